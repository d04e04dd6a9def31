from __future__ import annotations

import os
from pathlib import Path

import pytest
from subject_files import contrasts, image, reasons, text

from anysyn.data.subjects.find import find_subjects
from anysyn.data.subjects.people import person_of


class TestFolders:
    def test_brats_names(self, tmp_path: Path) -> None:
        old = [f"BraTS2021_00000/BraTS2021_00000_{word}" for word in ("t1", "t1ce", "t2", "flair", "seg")]
        new = [f"BraTS-GLI-00005-000/BraTS-GLI-00005-000-{word}" for word in ("t1n", "t1c", "t2w", "t2f", "seg")]
        for name in old + new:
            image(tmp_path / f"BraTS/{name}.nii.gz")
        found = find_subjects(tmp_path / "BraTS")
        four = ["FLAIR", "T1c", "T1w", "T2w"]
        assert contrasts(found) == {"BraTS-GLI-00005-000": four, "BraTS2021_00000": four}
        assert [list(one.masks) for one in found.subjects] == [["seg"], ["seg"]]
        assert [one.dataset for one in found.subjects] == ["BraTS", "BraTS"]
        assert found.subjects[1].images["T1c"].name == "BraTS2021_00000_t1ce.nii.gz"
        assert found.failures == found.ignored == ()

    def test_plain_names_with_a_sidecar(self, tmp_path: Path) -> None:
        image(tmp_path / "A/T1w.nii.gz", {"EchoTime": 0.004})
        image(tmp_path / "A/T2_FLAIR_n4.nii")
        image(tmp_path / "A/lesion_mask.nii.gz")
        found = find_subjects(tmp_path)
        assert contrasts(found) == {"A": ["FLAIR", "T1w"]}
        assert found.subjects[0].acquisitions["T1w"].echo_time_ms == 4.0
        assert list(found.subjects[0].masks) == ["lesion"]

    def test_a_folder_of_one_subject(self, tmp_path: Path) -> None:
        image(tmp_path / "Jane/T1w.nii.gz")
        subject = find_subjects(tmp_path / "Jane").subjects[0]
        assert (subject.key, subject.person, subject.dataset) == ("Jane", "Jane", "Jane")

    def test_the_name_of_the_folder_is_no_contrast(self, tmp_path: Path) -> None:
        image(tmp_path / "PD_0001" / "PD_0001_T1w.nii.gz")
        assert contrasts(find_subjects(tmp_path)) == {"PD_0001": ["T1w"]}

    def test_unclear_names_are_listed(self, tmp_path: Path) -> None:
        for name in ("A/T1w", "A/T1_to_FLAIR", "A/localizer", "B/seg"):
            image(tmp_path / f"{name}.nii.gz")
        (tmp_path / "C").mkdir()
        found = find_subjects(tmp_path)
        assert contrasts(found) == {"A": ["T1w"]}
        assert "names several contrasts (T1w, FLAIR); rename it" in reasons(found.failures)
        listed = reasons(found.ignored)
        assert "localizer.nii.gz: is an image to plan others with (localizer)" in listed
        assert "B: holds masks and no image" in listed

    def test_the_plainer_name_is_used_and_the_other_is_listed(self, tmp_path: Path) -> None:
        for name in ("A/FLAIR", "A/FLAIR_native", "B/t1n", "B/t1n-voided", "C/t1_brain_n4", "C/t1"):
            image(tmp_path / f"{name}.nii.gz")
        found = find_subjects(tmp_path)
        used = {one.key: [path.name for path in one.images.values()] for one in found.subjects}
        assert used == {"A": ["FLAIR.nii.gz"], "B": ["t1n.nii.gz"], "C": ["t1.nii.gz"]}
        choices = {(choice.key, choice.modality, choice.instead) for choice in found.choices}
        assert choices == {
            ("A", "FLAIR", tmp_path / "A/FLAIR.nii.gz"),
            ("B", "T1w", tmp_path / "B/t1n.nii.gz"),
            ("C", "T1w", tmp_path / "C/t1.nii.gz"),
        }
        assert found.failures == ()

    def test_none_is_chosen_where_no_name_is_plainer(self, tmp_path: Path) -> None:
        for name in ("A/T1.nii.gz", "A/T1w.nii.gz", "A/T2.nii.gz", "B/T1.nii", "B/T1.nii.gz", "B/T2.nii.gz"):
            image(tmp_path / name)
        found = find_subjects(tmp_path)
        assert contrasts(found) == {"A": ["T2w"], "B": ["T2w"]}
        assert [failure.modality for failure in found.failures] == ["T1w", "T1w"]
        assert "A/T1.nii.gz and T1w.nii.gz are both T1w, and none has the plainer name; say which by data.names" in (
            reasons(found.failures)
        )
        chosen = find_subjects(tmp_path, names={"t1w": "none", "B/T1.nii": "T1w"})
        assert contrasts(chosen) == {"A": ["T1w", "T2w"], "B": ["T1w", "T2w"]}
        assert chosen.subjects[1].images["T1w"].name == "T1.nii"
        assert "T1.nii is the T1w that is asked for" in reasons(chosen.ignored)

    def test_the_first_run_is_used_and_a_link_is_no_second_image(self, tmp_path: Path) -> None:
        for name in ("A/x_run-2_T1w", "A/x_run-10_T1w", "A/x_run-1_T1w", "B/T1"):
            image(tmp_path / f"{name}.nii.gz")
        (tmp_path / "B/T1w.nii.gz").symlink_to(tmp_path / "B/T1.nii.gz")
        found = find_subjects(tmp_path)
        assert [one.images["T1w"].name for one in found.subjects] == ["x_run-1_T1w.nii.gz", "T1.nii.gz"]
        assert "T1.nii.gz is the same file" in reasons(found.ignored)
        assert found.failures == ()

    def test_a_sidecar_says_more_than_the_name(self, tmp_path: Path) -> None:
        path = image(tmp_path / "A/t1_tse.nii.gz", {"ContrastBolusAgent": "Dotarem"})
        image(tmp_path / "A/t2.nii.gz")
        subject = find_subjects(tmp_path).subjects[0]
        assert subject.images["T1c"] == path
        assert subject.sidecars == {"T1c": (tmp_path / "A/t1_tse.json",)}
        assert "Dotarem" in subject.reasons["T1c"]

    def test_a_synthetic_image_is_no_source_unless_it_is_asked_for(self, tmp_path: Path) -> None:
        image(tmp_path / "A/t1.nii.gz")
        image(tmp_path / "A/t2.nii.gz", {"Synthetic": True})
        found = find_subjects(tmp_path)
        assert contrasts(found) == {"A": ["T1w"]}
        assert "t2.nii.gz: is synthetic, says its sidecar" in reasons(found.ignored)
        assert contrasts(find_subjects(tmp_path, names={"t2": "T2w"})) == {"A": ["T1w", "T2w"]}

    def test_what_cannot_be_read_costs_its_image_alone(self, tmp_path: Path) -> None:
        image(tmp_path / "A/T1w.nii.gz")
        image(tmp_path / "A/dwi.nii.gz", shape=(4, 4, 4, 7))
        text(tmp_path / "A/T2w.nii.gz", "no gzip")
        (tmp_path / "A/FLAIR.nii.gz").symlink_to(tmp_path / "gone.nii.gz")
        text(tmp_path / "A/._T2w.nii.gz", "of macOS")
        text(tmp_path / "B/scan.dcm", "")
        found = find_subjects(tmp_path)
        assert contrasts(found) == {"A": ["T1w"]}
        assert {failure.modality for failure in found.failures} == {"DWI", "T2w", "FLAIR"}
        assert "FLAIR.nii.gz: is a link to a file that is not here; mend the link, or remove" in reasons(found.failures)
        assert "B: holds 1 file .dcm, which are not read; convert them with dcm2niix" in reasons(found.ignored)

    def test_a_folder_that_may_not_be_read_is_a_failure(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        image(tmp_path / "A/T1w.nii.gz")
        image(tmp_path / "B/T1w.nii.gz")
        scandir = os.scandir

        def refusing(path: str) -> object:
            if Path(path).name == "B":  # whoever runs the tests may be allowed to read all
                raise PermissionError(13, "Permission denied", path)
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refusing)
        found = find_subjects(tmp_path)
        assert contrasts(found) == {"A": ["T1w"]}
        assert "B: cannot be read (Permission denied); change its permissions" in reasons(found.failures)

    def test_two_subjects_of_one_name_are_left_out(self, tmp_path: Path) -> None:
        for name in ("A/X1_T1", "A/X1_T2", "A/X2_T1", "A/X1/FLAIR"):
            image(tmp_path / f"{name}.nii.gz")
        found = find_subjects(tmp_path)
        assert contrasts(found) == {"A/X2": ["T1w"]}
        assert reasons(found.failures).count("is of one of several subjects of this name") == 2

    def test_namesakes_are_noted(self, tmp_path: Path) -> None:
        for name in ("old/P01/T1", "new/P01/T1"):
            image(tmp_path / f"{name}.nii.gz")
        found = find_subjects(tmp_path)
        assert [one.person for one in found.subjects] == ["new/P01", "old/P01"]
        assert "P01 in new and in old are taken for different people" in found.notes[0]

    def test_a_link_that_leads_back_ends(self, tmp_path: Path) -> None:
        image(tmp_path / "A/T1w.nii.gz")
        (tmp_path / "A/loop").symlink_to(tmp_path)
        assert contrasts(find_subjects(tmp_path)) == {"A": ["T1w"]}

    @pytest.mark.parametrize(
        ("path", "person"),
        [
            ("IXI/0042", "IXI/0042"),
            ("0042/visit2", "0042"),
            ("0042/20190131/raw", "0042"),
            ("site/0042/baseline", "site/0042"),
            ("site/sub-01/any/thing", "site/sub-01"),
            ("BraTS-GLI-00005-100", "BraTS-GLI-00005"),
            ("month-00", ""),
            ("TCGA-DU-7294", "TCGA-DU-7294"),
        ],
    )
    def test_whose_images_they_are(self, path: str, person: str) -> None:
        assert "/".join(person_of(path.split("/"))) == person

    def test_nested_real_folders(self, shared: Path) -> None:
        found = find_subjects(shared / "ms_head_thick_slices")
        assert contrasts(found) == {
            "sub-01/ses-1/raw": ["T1w", "T2w"],
            "sub-01/ses-1/reg_to_FLAIR": ["FLAIR", "T1w", "T2w"],
        }
        assert {one.person for one in found.subjects} == {"sub-01"}

    def test_all_real_folders_at_once(self, shared: Path) -> None:
        found = find_subjects(shared)
        four = ["FLAIR", "T1c", "T1w", "T2w"]
        wanted = {
            "glioma_brain_1mm/TCGA-DU-7294": four,
            "infant_templates/month-00": ["T1w", "T2w"],
            "infant_templates/month-12": ["T1w", "T2w"],
            "ms_brain_1mm/sub-07": four,
            "ms_brain_1mm/sub-26": four,
            "ms_head_thick_slices/sub-01/ses-1/raw": ["T1w", "T2w"],
            "ms_head_thick_slices/sub-01/ses-1/reg_to_FLAIR": ["FLAIR", "T1w", "T2w"],
            "prostate_dicom/ProstateX-0000/nifti": ["ADC", "T2w"],
            "stroke_dwi_adc/sub-strokecase0001": ["ADC", "DWI"],
        }
        assert {key: images for key, images in contrasts(found).items() if key in wanted} == wanted
        datasets = {one.key: one.dataset for one in found.subjects}
        assert datasets["ms_brain_1mm/sub-07"] == "ms_brain_1mm"
        assert datasets["glioma_brain_1mm/TCGA-DU-7294"] == "glioma_brain_1mm"
        assert "DWI.nii.gz: holds 3 volumes" in reasons(found.failures)

    def test_real_sidecars(self, shared: Path) -> None:
        known = find_subjects(shared / "prostate_dicom").subjects[0].acquisitions["T2w"]
        assert (known.repetition_time_ms, known.echo_time_ms, known.flip_angle_deg) == (5660.0, 104.0, 160.0)
        assert known.manufacturer == "Siemens"
