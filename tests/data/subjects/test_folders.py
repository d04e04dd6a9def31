from __future__ import annotations

from pathlib import Path

import pytest
from subject_files import contrasts, image, reasons

from anysyn.data.subjects.find import find_subjects
from anysyn.data.subjects.folders import person_of


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
        for name in ("A/T1w", "A/T1", "A/T1_to_FLAIR", "A/localizer", "B/seg"):
            image(tmp_path / f"{name}.nii.gz")
        (tmp_path / "C").mkdir()
        found = find_subjects(tmp_path)
        assert contrasts(found) == {"A": ["T1w"]}
        assert "names several contrasts (T1w, FLAIR); rename it" in reasons(found.failures)
        listed = reasons(found.ignored)
        assert "T1w.nii.gz: is not used; T1.nii.gz is the first T1w" in listed
        assert "localizer.nii.gz: is an image to plan others with (localizer)" in listed
        assert "B: holds masks and no image" in listed

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
            ("month-00", "month-00"),
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
