from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from anysyn.acquisition import Acquisition
from anysyn.data.bids import bids_name
from anysyn.data.folders import person_of
from anysyn.data.modalities import modalities
from anysyn.data.records import Failure, Found
from anysyn.data.sidecars import SidecarError, Sidecars
from anysyn.data.subjects import find_subjects
from anysyn.data.volume import read_volume
from anysyn.registry import UserError

SHARED = Path(__file__).parents[2] / "../shared/data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data")


def image(path: Path, sidecar: Mapping[str, object] | None = None, shape: tuple[int, ...] = (4, 5, 6)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    nib.Nifti1Image(voxels, np.diag([-1.0, 1.0, 2.5, 1.0])).to_filename(path)
    if sidecar is not None:
        text(path.with_name(path.name.replace(".nii.gz", ".json")), json.dumps(sidecar))
    return path


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def contrasts(found: Found) -> dict[str, list[str]]:
    return {subject.key: sorted(subject.images) for subject in found.subjects}


def reasons(listed: tuple[Failure, ...]) -> str:
    assert all("\n" not in failure.reason and str(failure.path) in failure.reason for failure in listed)
    return " | ".join(str(failure) for failure in listed)


class TestBids:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        root = tmp_path / "cohort"
        text(root / "dataset_description.json", '{"Name": "Example", "BIDSVersion": "1.9.0"}')
        return root

    def test_modalities_by_suffix_and_entities(self, root: Path) -> None:
        for name in ("anat/sub-01_T1w", "anat/sub-01_ce-gadolinium_T1w", "anat/sub-01_FLAIR", "anat/sub-01_T2starw"):
            image(root / "sub-01" / f"{name}.nii.gz")
        for name in (
            "dwi/sub-01_dwi",
            "dwi/sub-01_ADC",
            "ct/sub-01_ct",
            "pet/sub-01_trc-18FFDG_pet",
            "anat/sub-01_angio",
        ):
            image(root / "sub-01" / f"{name}.nii.gz")
        found = find_subjects(root)
        assert contrasts(found) == {
            "sub-01": ["ADC", "CT", "DWI", "FDG-PET", "FLAIR", "MRA", "T1c", "T1w", "T2star"],
        }
        assert found.subjects[0].images["T1c"].name == "sub-01_ce-gadolinium_T1w.nii.gz"
        assert found.subjects[0].dataset == "Example"
        assert found.failures == found.ignored == ()

    def test_every_modality_is_read_from_where_the_simulation_writes_it(self, root: Path) -> None:
        for one in modalities():
            image(root / "sub-001" / bids_name("sub-001", one.name))
        found = find_subjects(root)
        assert list(found.subjects[0].images) == [one.name for one in modalities()]
        assert {one.modality for one in found.subjects[0].acquisitions.values()} == set(found.subjects[0].images)

    def test_a_tracer_may_stand_in_the_sidecar(self, root: Path) -> None:
        image(root / "sub-01/pet/sub-01_pet.nii.gz", {"TracerName": "AV45"})
        image(root / "sub-02/pet/sub-02_pet.nii.gz")
        image(root / "sub-03/pet/sub-03_pet.nii.gz", {"TracerName": "water"})
        found = find_subjects(root)
        assert contrasts(found) == {"sub-01": ["AV45-PET"]}
        assert found.subjects[0].acquisitions["AV45-PET"].tracer == "AV45"
        assert "names no tracer" in reasons(found.ignored)
        assert "no modality named 'trc-water_pet'" in reasons(found.ignored)

    def test_sidecars_are_inherited_and_the_nearest_wins(self, root: Path) -> None:
        text(root / "T1w.json", '{"EchoTime": 0.001, "RepetitionTime": 2.0, "Manufacturer": "Siemens"}')
        text(root / "sub-01/sub-01_T1w.json", '{"RepetitionTime": 2.3}')
        text(root / "ce-gadolinium_T1w.json", '{"FlipAngle": 99}')
        text(root / "T2w.json", '{"FlipAngle": 98}')
        image(root / "sub-01/anat/sub-01_T1w.nii.gz", {"EchoTime": 0.003})
        image(root / "sub-02/anat/sub-02_T1w.nii.gz")
        first, second = find_subjects(root).subjects
        assert first.acquisitions["T1w"] == Acquisition(
            modality="T1w",
            echo_time_ms=3.0,
            repetition_time_ms=2300.0,
            manufacturer="Siemens",
            voxel_size_mm=(1.0, 1.0, 2.5),
        )
        assert second.acquisitions["T1w"].repetition_time_ms == 2000.0

    def test_participants_give_age_sex_and_site(self, root: Path) -> None:
        text(
            root / "participants.tsv",
            "participant_id\tage\tsex\tsite\nsub-01\t67.5\tF\tBerlin\nsub-02\tn/a\tmale\tn/a\nsub-03\t89+\t\tParis\n",
        )
        for i in (1, 2, 3, 4):
            image(root / f"sub-0{i}/anat/sub-0{i}_T2w.nii.gz")
        subjects = find_subjects(root).subjects
        known = [(one.dataset, *map(one.acquisitions["T2w"].known().get, ("age_years", "sex"))) for one in subjects]
        assert known == [
            ("Berlin", 67.5, "F"),
            ("Example", None, "M"),
            ("Paris", 89.0, None),
            ("Example", None, None),
        ]

    def test_sessions_are_subjects_of_one_person(self, root: Path) -> None:
        for session in ("ses-1", "ses-2"):
            image(root / f"sub-01/{session}/anat/sub-01_{session}_T1w.nii.gz")
        image(root / "derivatives/masks/sub-01/ses-2/anat/sub-01_ses-2_desc-lesion_mask.nii.gz")
        found = find_subjects(root)
        assert [(one.key, one.person) for one in found.subjects] == [
            ("sub-01_ses-1", "sub-01"),
            ("sub-01_ses-2", "sub-01"),
        ]
        assert [list(one.masks) for one in found.subjects] == [[], ["lesion"]]

    def test_masks(self, root: Path) -> None:
        image(root / "sub-01/anat/sub-01_T1w.nii.gz")
        for name in ("desc-lesion_mask", "label-core_mask", "mask", "space-T1w_desc-lesion_mask"):
            image(root / f"derivatives/masks/sub-01/anat/sub-01_{name}.nii.gz")
        found = find_subjects(root)
        assert sorted(found.subjects[0].masks) == ["core", "lesion", "mask"]
        assert "is the first mask named lesion" in reasons(found.ignored)

    def test_the_first_run_is_used(self, root: Path) -> None:
        for run in (10, 2, 1):
            image(root / f"sub-01/anat/sub-01_run-{run}_T1w.nii.gz")
        found = find_subjects(root)
        assert found.subjects[0].images["T1w"].name == "sub-01_run-1_T1w.nii.gz"
        assert len(found.ignored) == 2
        assert found.failures == ()

    def test_what_is_none_of_ours_is_ignored_and_named(self, root: Path) -> None:
        image(root / "sub-01/anat/sub-01_T1w.nii.gz")
        image(root / "sub-01/anat/sub-01_part-phase_T2starw.nii.gz")
        image(root / "sub-01/anat/sub-01_inplaneT2.nii.gz")
        image(root / "sub-01/anat/sub-01_ce-gadolinium_T2w.nii.gz")
        image(root / "sub-01/anat/._sub-01_FLAIR.nii.gz")
        image(root / "sub-01/func/sub-01_task-rest_bold.nii.gz")
        found = find_subjects(root)
        assert contrasts(found) == {"sub-01": ["T1w"]}
        assert len(found.ignored) == 3
        assert "no magnitude image" in reasons(found.ignored)
        assert "no modality named 'ce-gadolinium_T2w'" in reasons(found.ignored)

    def test_a_broken_file_costs_no_other(self, root: Path) -> None:
        image(root / "sub-01/anat/sub-01_T1w.nii.gz")
        text(root / "sub-01/anat/sub-01_T1w.json", "{")
        image(root / "sub-01/anat/sub-01_T2w.nii.gz")
        text(root / "sub-01/anat/sub-01_FLAIR.nii.gz", "no gzip")
        image(root / "sub-02/dwi/sub-02_dwi.nii.gz", shape=(4, 4, 4, 7))
        image(root / "sub-02/anat/sub-02_T1w.nii.gz", {"EchoTime": "n/a", "FlipAngle": float("nan")})
        text(root / "participants.tsv", "")
        found = find_subjects(root)
        assert contrasts(found) == {"sub-01": ["T2w"], "sub-02": ["T1w"]}
        listed = reasons(found.failures)
        assert len(found.failures) == 4
        for part in ("sub-01_T1w.json: is no readable JSON", "not compressed", "holds 7 volumes", "participants.tsv"):
            assert part in listed
        assert found.subjects[1].acquisitions["T1w"].flip_angle_deg is None

    def test_participants_without_ids(self, root: Path) -> None:
        text(root / "participants.tsv", "name\tage\nsub-01\t7\n")
        image(root / "sub-01/anat/sub-01_T1w.nii.gz")
        assert "participant_id" in reasons(find_subjects(root).failures)

    def test_without_a_description_it_is_seen_by_its_folders(self, tmp_path: Path) -> None:
        image(tmp_path / "MyStudy/sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz")
        subject = find_subjects(tmp_path / "MyStudy").subjects[0]
        assert (subject.key, subject.dataset) == ("sub-01_ses-1", "MyStudy")

    def test_a_sidecar_that_is_a_list(self, tmp_path: Path) -> None:
        path = image(tmp_path / "sub-01/anat/sub-01_T1w.nii.gz")
        text(tmp_path / "T1w.json", "[1]")
        with pytest.raises(SidecarError, match=r"T1w\.json: holds no JSON object but a list; mend"):
            Sidecars(tmp_path).of(path)


class TestFolders:
    def test_brats_names(self, tmp_path: Path) -> None:
        for word in ("t1", "t1ce", "t2", "flair", "seg"):
            image(tmp_path / "BraTS/BraTS2021_00000" / f"BraTS2021_00000_{word}.nii.gz")
        for word in ("t1n", "t1c", "t2w", "t2f", "seg"):
            image(tmp_path / "BraTS/BraTS-GLI-00005-000" / f"BraTS-GLI-00005-000-{word}.nii.gz")
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
        image(tmp_path / "A/T1w.nii.gz")
        image(tmp_path / "A/T1.nii.gz")
        image(tmp_path / "A/T1_to_FLAIR.nii.gz")
        image(tmp_path / "A/localizer.nii.gz")
        image(tmp_path / "B/seg.nii.gz")
        (tmp_path / "C").mkdir()
        found = find_subjects(tmp_path)
        assert contrasts(found) == {"A": ["T1w"]}
        assert "names several contrasts (T1w, FLAIR); rename it" in reasons(found.failures)
        listed = reasons(found.ignored)
        assert "T1w.nii.gz: is not used; T1.nii.gz is the first T1w" in listed
        assert "localizer.nii.gz: names no known contrast; " in listed
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

    @needs_shared
    def test_nested_real_folders(self) -> None:
        found = find_subjects(SHARED / "ms_head_thick_slices")
        assert contrasts(found) == {
            "sub-01/ses-1/raw": ["T1w", "T2w"],
            "sub-01/ses-1/reg_to_FLAIR": ["FLAIR", "T1w", "T2w"],
        }
        assert {one.person for one in found.subjects} == {"sub-01"}

    @needs_shared
    def test_all_real_folders_at_once(self) -> None:
        found = find_subjects(SHARED)
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

    @needs_shared
    def test_real_sidecars(self) -> None:
        known = find_subjects(SHARED / "prostate_dicom").subjects[0].acquisitions["T2w"]
        assert (known.repetition_time_ms, known.echo_time_ms, known.flip_angle_deg) == (5660.0, 104.0, 160.0)
        assert known.manufacturer == "Siemens"


class TestTables:
    def test_a_row_for_each_subject(self, tmp_path: Path) -> None:
        for name in ("a1", "a2", "b1", "lesion"):
            image(tmp_path / f"files/{name}.nii.gz", {"EchoTime": 0.01})
        table = text(
            tmp_path / "list.csv",
            "Subject,dataset,age,sex,split,t1,T2_FLAIR,lesion_mask,weight\n"
            "a,IXI,30,f,train,files/a1.nii.gz,files/a2.nii.gz,files/lesion.nii.gz,80\n"
            f"b,,n/a,,val,{tmp_path}/files/b1.nii.gz,,,\n",
        )
        found = find_subjects(table)
        a, b = found.subjects
        assert contrasts(found) == {"a": ["FLAIR", "T1w"], "b": ["T1w"]}
        assert (a.dataset, a.split, b.dataset, b.split) == ("IXI", "train", "list", "validation")
        assert a.acquisitions["T1w"].known() == {
            "modality": "T1w",
            "echo_time_ms": 10.0,
            "age_years": 30.0,
            "sex": "F",
            "voxel_size_mm": (1.0, 1.0, 2.5),
        }
        assert list(a.masks) == ["lesion"]
        assert read_volume(a.images["FLAIR"]).shape == (4, 5, 6)
        assert "column 'weight' is not used" in reasons(found.ignored)

    def test_a_row_for_each_image(self, tmp_path: Path) -> None:
        image(tmp_path / "x.nii.gz")
        table = text(
            tmp_path / "list.tsv",
            "subject\tsession\tmodality\tpath\tage\n"
            "p\t1\tT1ce\tx.nii.gz\t44\np\t1\tT2w\tx.nii.gz\t\np\t1\tlesion_mask\tx.nii.gz\t\np\t2\tFLAIR\tx.nii.gz\t\n",
        )
        found = find_subjects(table)
        assert contrasts(found) == {"p_1": ["T1c", "T2w"], "p_2": ["FLAIR"]}
        assert {one.person for one in found.subjects} == {"p"}
        assert list(found.subjects[0].masks) == ["lesion"]
        assert found.subjects[0].acquisitions["T2w"].age_years == 44.0
        assert found.failures == found.ignored == ()

    def test_a_bad_row_costs_no_other(self, tmp_path: Path) -> None:
        image(tmp_path / "x.nii.gz")
        table = text(
            tmp_path / "list.csv",
            "subject,modality,path\na,T1w,x.nii.gz\nb,T1w,missing.nii.gz\nc,T1x,x.nii.gz\n,T1w,x.nii.gz\nd,T1w,\n",
        )
        found = find_subjects(table)
        assert contrasts(found) == {"a": ["T1w"]}
        listed = reasons(found.failures)
        assert "b: " in listed
        assert "missing.nii.gz: No such file" in listed
        assert "no modality named 'T1x'; did you mean 'T1c'" in listed or "did you mean 'T1w'" in listed
        assert "line 5 names no subject" in listed
        assert "d names no image" in listed

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "list.csv: is no readable table"),
            ("subject,T1w\n", "list.csv: needs the column subject.*no rows"),
            ("name,T1w\na,x.nii.gz\n", "needs the column subject.*it has name, t1w"),
            ("subject,T1ww\na,x.nii.gz\n", "needs the column subject and either one for each modality"),
            ("subject,T1w,split\na,x.nii.gz,trian\n", "no split named 'trian'; did you mean 'train'"),
            ('subject,T1w\n"a,x\n', "list.csv: "),
        ],
    )
    def test_tables_that_cannot_be_read(self, tmp_path: Path, content: str, message: str) -> None:
        image(tmp_path / "x.nii.gz")
        with pytest.raises(UserError, match=message) as caught:
            find_subjects(text(tmp_path / "list.csv", content))
        assert "\n" not in str(caught.value)

    def test_a_table_in_another_encoding(self, tmp_path: Path) -> None:
        (tmp_path / "list.csv").write_bytes("subject,T1w\nJürgen,x.nii.gz\n".encode("latin-1"))
        with pytest.raises(UserError, match="UTF-8"):
            find_subjects(tmp_path / "list.csv")


class TestRoots:
    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="nowhere: no such file or folder; check the path"):
            find_subjects(tmp_path / "nowhere")

    def test_an_empty_folder_says_what_was_looked_for(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"no subject found; looked for folders with one .nii.*T1w.nii.gz"):
            find_subjects(tmp_path)
        with pytest.raises(UserError, match=r"no subject found; looked for sub-\*/"):
            find_subjects(tmp_path, layout="bids")

    def test_what_was_left_out_is_named(self, tmp_path: Path) -> None:
        text(tmp_path / "A/T1w.nii.gz", "x")
        with pytest.raises(UserError, match=r"1 were left out, the first: .*A/T1w.nii.gz: .*copy it again") as caught:
            find_subjects(tmp_path)
        assert "\n" not in str(caught.value)

    def test_a_layout_that_does_not_fit(self, tmp_path: Path) -> None:
        with pytest.raises(UserError, match="is a folder, which layout csv cannot be"):
            find_subjects(tmp_path, layout="csv")
        path = text(tmp_path / "x.csv", "subject,T1w\na,b\n")
        with pytest.raises(UserError, match="is a file, which layout bids cannot be"):
            find_subjects(path, layout="bids")
        with pytest.raises(UserError, match="neither a folder nor a"):
            find_subjects(text(tmp_path / "x.txt", ""))
        with pytest.raises(UserError, match="no layout named 'bid'; did you mean 'bids'"):
            find_subjects(tmp_path, layout="bid")  # type: ignore[arg-type]
