"""Layouts and names of real labs that a new user tried: no person is split, no wrong image is used in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from subject_files import contrasts, image, reasons, text

from anysyn.data.records import FoundSubjects
from anysyn.data.subjects.find import find_subjects
from anysyn.data.subjects.names.name_words import words_of
from anysyn.data.subjects.names.naming import Naming


def found_in(root: Path, *names: str) -> FoundSubjects:
    for name in names:
        image(root / name)
    return find_subjects(root)


@pytest.mark.parametrize(
    "visits",
    [
        ("Meier/01.02.2019", "Meier/17.11.2020"),
        ("900-00-1961/02.12.2006-MR BRAIN", "900-00-1961/05.03.2005-MR BRAIN"),
        ("K7/2019.02.01", "K7/2020_02_01"),
        ("K7/01-Feb-2019", "K7/3-Okt-2020"),
        ("P01/Prisma", "P01/Skyra"),
        ("P01/test", "P01/retest"),
        ("Meier", "Meier/old"),
        ("baseline", "month-12"),
    ],
)
def test_folders_of_one_person(visits: tuple[str, ...], tmp_path: Path) -> None:
    found = found_in(tmp_path, *(f"{visit}/{name}.nii.gz" for visit in visits for name in ("T1", "T2")))
    assert len(found.subjects) == 2
    assert len({subject.person for subject in found.subjects}) == 1
    assert {subject.dataset for subject in found.subjects} == {tmp_path.name}


def test_a_folder_mri_is_no_person(tmp_path: Path) -> None:
    found = found_in(tmp_path, "bert/mri/T1.nii.gz", "bert/mri/aseg.nii.gz", "ernie/mri/T1.nii.gz")
    assert [(s.person, s.dataset) for s in found.subjects] == [("bert", tmp_path.name), ("ernie", tmp_path.name)]


def test_numbers_that_may_be_visits_are_noted(tmp_path: Path) -> None:
    found = found_in(tmp_path, "P01_1/T1.nii.gz", "P01_2/T1.nii.gz", "P02_1/T1.nii.gz")
    assert ["P01_1 and P01_2 are taken for two people" in note for note in found.notes] == [True]


@pytest.mark.parametrize(
    ("name", "contrast"),
    [
        ("T1增强", "T1c"),
        ("T1_平扫", "T1w"),
        ("T1_kontrastverstärkt", "T1c"),
        ("T1_con_contrasto", "T1c"),
        ("T1_sin_contraste", "T1w"),
        ("T1_gadobutrol", "T1c"),
        ("T1_Clariscan", "T1c"),
        ("T1_fast_bias", None),
    ],
)
def test_agents_in_other_languages(name: str, contrast: str | None) -> None:
    assert Naming().contrast(words_of(name)).name == contrast


@pytest.mark.parametrize("name", ["rc1T1", "c1P01_T1", "mwp1T1", "p0T1", "y_T1", "u_rc1T1", "T1_Tumormaske"])
def test_what_is_computed_is_no_image(name: str, tmp_path: Path) -> None:
    found = found_in(tmp_path, f"P01/{name}.nii.gz", "P01/T2.nii.gz")
    assert contrasts(found) == {"P01": ["T2w"]}
    assert found.subjects[0].masks or name in reasons(found.ignored)


def test_what_is_normalized_is_an_image(tmp_path: Path) -> None:
    found = found_in(tmp_path, "P01/wmT1.nii.gz", "P01/rT2.nii.gz")
    assert contrasts(found) == {"P01": ["T1w", "T2w"]}


class TestBids:
    def test_acq_may_name_an_agent(self, tmp_path: Path) -> None:
        found = found_in(tmp_path, *(f"sub-1/anat/sub-1_{x}.nii.gz" for x in ("acq-post_T1w", "acq-gd_T2w", "T1w")))
        assert contrasts(found) == {"sub-1": ["T1c", "T1w", "T2w"]}

    def test_a_file_of_another_person_is_refused(self, tmp_path: Path) -> None:
        found = found_in(tmp_path, "sub-1/anat/sub-1_T1w.nii.gz", "sub-1/anat/sub-2_T2w.nii.gz")
        assert contrasts(found) == {"sub-1": ["T1w"]}
        assert "sub-2_T2w.nii.gz: does not begin with sub-1_" in reasons(found.failures)

    def test_a_file_of_another_session_is_refused(self, tmp_path: Path) -> None:
        folder = "sub-1/ses-a/anat/sub-1_ses"
        found = found_in(tmp_path, f"{folder}-a_T1w.nii.gz", f"{folder}-b_T2w.nii.gz")
        assert contrasts(found) == {"sub-1_ses-a": ["T1w"]}
        assert "is of ses-b by its name" in reasons(found.failures)

    def test_tissue_maps_beside_images_are_no_failure(self, tmp_path: Path) -> None:
        found = found_in(tmp_path, "sub-1/anat/c1sub-1_T1w.nii.gz", "sub-1/anat/sub-1_T2w.nii.gz")
        assert contrasts(found) == {"sub-1": ["T2w"]}
        assert not found.failures
        assert "c1sub-1" in reasons(found.ignored)

    def test_a_dataset_below_the_root_is_noted(self, tmp_path: Path) -> None:
        found = found_in(tmp_path, "rawdata/sub-1/anat/sub-1_T1w.nii.gz")
        assert any("rawdata: is the BIDS dataset" in note for note in found.notes)


class TestContrastFolders:
    def test_files_of_one_name_are_of_one_subject(self, tmp_path: Path) -> None:
        found = found_in(tmp_path, *(f"{c}/{p}.nii.gz" for c in ("T1", "FLAIR") for p in ("Meier", "Dupont")))
        assert contrasts(found) == {"Dupont": ["FLAIR", "T1w"], "Meier": ["FLAIR", "T1w"]}

    def test_the_name_of_a_single_image_does_not_matter(self, tmp_path: Path) -> None:
        found = found_in(tmp_path, "Meier/T1_MPRAGE/IM1.nii.gz", "Meier/T2_TSE/IM7.nii.gz")
        assert contrasts(found) == {"Meier": ["T1w", "T2w"]}

    def test_other_names_are_not_guessed(self, tmp_path: Path) -> None:
        names = ("P1/T1/a.nii.gz", "P1/T1/b.nii.gz", "P1/T2/c.nii.gz", "P2/T1.nii.gz")
        assert contrasts(found_in(tmp_path, *names)) == {"P2": ["T1w"]}

    def test_nnunet_channels(self, tmp_path: Path) -> None:
        text(tmp_path / "dataset.json", '{"channel_names": {"0": "FLAIR", "1": "t1gd", "2": "blue"}}')
        found = found_in(tmp_path, *(f"imagesTr/B_00{p}_000{c}.nii.gz" for p in (1, 2) for c in (0, 1, 2)))
        assert contrasts(found) == {f"imagesTr/B_00{p}": ["FLAIR", "T1c"] for p in (1, 2)}
        assert "channel 2 is 'blue'" in reasons(found.failures)
