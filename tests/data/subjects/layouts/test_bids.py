from __future__ import annotations

from pathlib import Path

import pytest
from subject_files import contrasts, image, reasons, text

from anysyn.acquisition import Acquisition
from anysyn.data.errors import SidecarError
from anysyn.data.modalities import modalities
from anysyn.data.subjects.find import find_subjects
from anysyn.data.subjects.layouts.bids import bids_name
from anysyn.data.subjects.layouts.bids_labels import Labels
from anysyn.data.subjects.sidecars import Sidecars
from anysyn.errors import UserError


class TestBids:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        root = tmp_path / "cohort"
        text(root / "dataset_description.json", '{"Name": "Example", "BIDSVersion": "1.9.0"}')
        return root

    def test_modalities_by_suffix_and_entities(self, root: Path) -> None:
        anatomy = [f"anat/sub-01_{name}" for name in ("T1w", "ce-gadolinium_T1w", "FLAIR", "T2starw", "angio")]
        others = ["dwi/sub-01_dwi", "dwi/sub-01_ADC", "ct/sub-01_ct", "pet/sub-01_trc-18FFDG_pet"]
        for name in (*anatomy, *others):
            image(root / "sub-01" / f"{name}.nii.gz")
        found = find_subjects(root)
        wanted = ["ADC", "CT", "DWI", "FDG-PET", "FLAIR", "MRA", "T1c", "T1w", "T2star"]
        assert contrasts(found) == {"sub-01": wanted}
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
        known = {"echo_time_ms": 3.0, "repetition_time_ms": 2300.0, "manufacturer": "Siemens"}
        assert first.acquisitions["T1w"] == Acquisition(modality="T1w", voxel_size_mm=(1.0, 1.0, 2.5), **known)
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
        unknown = ("Example", None, None)
        assert known == [("Berlin", 67.5, "F"), ("Example", None, "M"), ("Paris", 89.0, None), unknown]

    def test_sessions_are_subjects_of_one_person(self, root: Path) -> None:
        for session in ("ses-1", "ses-2"):
            image(root / f"sub-01/{session}/anat/sub-01_{session}_T1w.nii.gz")
        image(root / "derivatives/masks/sub-01/ses-2/anat/sub-01_ses-2_desc-lesion_mask.nii.gz")
        found = find_subjects(root)
        described = [(one.key, one.person, list(one.masks)) for one in found.subjects]
        assert described == [("sub-01_ses-1", "sub-01", []), ("sub-01_ses-2", "sub-01", ["lesion"])]

    def test_masks(self, root: Path) -> None:
        image(root / "sub-01/anat/sub-01_T1w.nii.gz")
        for name in ("desc-lesion_mask", "label-core_mask", "mask", "space-T1w_desc-lesion_mask"):
            image(root / f"derivatives/masks/sub-01/anat/sub-01_{name}.nii.gz")
        found = find_subjects(root)
        assert sorted(found.subjects[0].masks) == ["core", "lesion", "mask"]
        assert "sub-01_desc-lesion_mask.nii.gz is the plainer name" in reasons(found.ignored)

    def test_the_first_run_is_used(self, root: Path) -> None:
        for run in (10, 2, 1):
            image(root / f"sub-01/anat/sub-01_run-{run}_T1w.nii.gz")
        found = find_subjects(root)
        assert found.subjects[0].images["T1w"].name == "sub-01_run-1_T1w.nii.gz"
        assert len(found.ignored) == 2
        assert found.failures == ()

    def test_scans_that_differ_otherwise_are_refused_until_labels_are_asked_for(self, root: Path) -> None:
        for name in ("acq-highres_T1w", "acq-fast_T1w", "FLAIR"):
            image(root / f"sub-01/anat/sub-01_{name}.nii.gz")
        for name in ("acq-fast_T1w", "echo-1_T2starw", "echo-2_T2starw"):
            image(root / f"sub-02/anat/sub-02_{name}.nii.gz")
        found = find_subjects(root)
        assert contrasts(found) == {"sub-01": ["FLAIR"], "sub-02": ["T1w"]}
        assert (
            "sub-01_acq-fast_T1w.nii.gz and sub-01_acq-highres_T1w.nii.gz are both T1w, and none has the plainer"
            in (reasons(found.failures))
        )
        assert "say which by data.bids in the recipe" in reasons(found.failures)
        asked = find_subjects(root, bids={"acq": "highres", "T2star": {"echo": 2}})
        assert contrasts(asked) == {"sub-01": ["FLAIR", "T1w"], "sub-02": ["T2star"]}
        assert asked.subjects[0].images["T1w"].name == "sub-01_acq-highres_T1w.nii.gz"
        assert asked.subjects[1].images["T2star"].name == "sub-02_echo-2_T2starw.nii.gz"
        assert "sub-02_acq-fast_T1w.nii.gz: acq is fast, not highres as data.bids asks" in reasons(asked.ignored)
        assert asked.failures == ()

    def test_the_plainer_name_is_used(self, root: Path) -> None:
        for name in ("acq-highres_T1w", "T1w", "rec-norm_T1w"):
            image(root / f"sub-01/anat/sub-01_{name}.nii.gz")
        found = find_subjects(root)
        assert found.subjects[0].images["T1w"].name == "sub-01_T1w.nii.gz"
        assert {choice.instead for choice in found.choices} == {root / "sub-01/anat/sub-01_T1w.nii.gz"}
        assert len(found.choices) == 2

    def test_sessions_may_be_asked_for(self, root: Path) -> None:
        for session in ("ses-1", "ses-2"):
            image(root / f"sub-01/{session}/anat/sub-01_{session}_T1w.nii.gz")
        assert contrasts(find_subjects(root, bids={"ses": [2, 3]})) == {"sub-01_ses-2": ["T1w"]}

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            ({"aqc": "x"}, r"data.bids.aqc: no entity named 'aqc'; did you mean 'acq'\?"),
            ({"T1x": {"acq": "x"}}, r"data.bids.T1x: no modality named 'T1x'"),
            ({"T1w": {"aqc": "x"}}, r"data.bids.T1w.aqc: no entity named 'aqc'"),
        ],
    )
    def test_labels_that_do_not_exist(self, root: Path, asked: Labels, message: str) -> None:
        image(root / "sub-01/anat/sub-01_T1w.nii.gz")
        with pytest.raises(UserError, match=message):
            find_subjects(root, bids=asked)

    def test_labels_are_not_for_folders(self, tmp_path: Path) -> None:
        image(tmp_path / "A/T1w.nii.gz")
        assert "is no BIDS dataset, so data.bids is not used" in find_subjects(tmp_path, bids={"acq": "x"}).notes[0]

    def test_the_sidecar_says_more_than_the_suffix(self, root: Path) -> None:
        image(root / "sub-01/anat/sub-01_T1w.nii.gz", {"ContrastBolusAgent": "Gadovist"})
        image(root / "sub-01/anat/sub-01_T2w.nii.gz")
        subject = find_subjects(root).subjects[0]
        assert list(subject.images) == ["T1c", "T2w"]
        assert subject.sidecars == {"T1c": (root / "sub-01/anat/sub-01_T1w.json",)}

    def test_a_synthetic_image_is_no_source(self, root: Path) -> None:
        image(root / "sub-01/anat/sub-01_T1w.nii.gz")
        image(root / "sub-01/anat/sub-01_desc-synthetic_T2w.nii.gz", {"Synthetic": True})
        found = find_subjects(root)
        assert contrasts(found) == {"sub-01": ["T1w"]}
        assert "desc-synthetic_T2w.nii.gz: is synthetic" in reasons(found.ignored)

    def test_participants_without_sub_and_with_mistakes(self, root: Path) -> None:
        text(
            root / "participants.tsv",
            "participant_id\tage\tsex\n01\t67,5\tF\nsub-02\told\tM\n03\t5\n04\t1\tM\n04\t2\tM\n",
        )
        for i in (1, 2, 3, 4, 5):
            image(root / f"sub-0{i}/anat/sub-0{i}_T2w.nii.gz")
        found = find_subjects(root)
        ages = [one.acquisitions["T2w"].age_years for one in found.subjects]
        assert ages == [67.5, None, None, None, None]
        listed = reasons(found.failures)
        assert "line 3: age 'old' is no number of years" in listed
        assert "line 4 has 2 cells where the header has 3; add what is missing" in listed
        assert "line 6 names sub-04 again" in listed
        assert any("decimal comma are read as such: 67,5" in note for note in found.notes)
        assert any("has no row for sub-03, sub-04, sub-05" in note for note in found.notes)

    def test_other_derivatives_are_named(self, root: Path) -> None:
        image(root / "sub-01/anat/sub-01_T1w.nii.gz")
        image(root / "derivatives/masks/sub-01/anat/sub-01_desc-lesion_probseg.nii.gz")
        image(root / "derivatives/fmriprep/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz")
        listed = reasons(find_subjects(root).ignored)
        assert "fmriprep/sub-01/anat: holds 1 volume and is not searched" in listed
        assert "probseg.nii.gz: is no mask by its name" in listed

    def test_what_is_none_of_ours_is_ignored_and_named(self, root: Path) -> None:
        for name in ("T1w", "part-phase_T2starw", "inplaneT2", "ce-gadolinium_T2w"):
            image(root / f"sub-01/anat/sub-01_{name}.nii.gz")
        image(root / "sub-01/anat/._sub-01_FLAIR.nii.gz")
        image(root / "sub-01/func/sub-01_task-rest_bold.nii.gz")
        found = find_subjects(root)
        assert contrasts(found) == {"sub-01": ["T1w"]}
        assert len(found.ignored) == 4
        assert "func: holds 1 volume and is not searched" in reasons(found.ignored)
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
