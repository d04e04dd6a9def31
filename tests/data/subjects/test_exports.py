"""Folders as archives, scanners and people leave them: no person is split, and no two are mixed."""

import pytest
from subject_files import contrasts, image, reasons

from anysyn.data.inventory.inventory import Inventory
from anysyn.data.subjects.find import find_subjects


def found_in(root, *names):
    for name in names:
        image(root / name)
    return find_subjects(root)


def test_xnat_has_folders_between_the_visit_and_its_scans(tmp_path):
    scans = [f"scans/{scan}/resources/NIFTI/files/{scan}.nii.gz" for scan in ("3-T1_MPRAGE", "5-T2_TSE")]
    visits = ("XNAT_S00012/XNAT_E00031", "XNAT_S00012/XNAT_E00047", "XNAT_S00013/XNAT_E00032")
    found = found_in(tmp_path, *(f"{visit}/{scan}" for visit in visits for scan in scans))
    assert contrasts(found) == {key: ["T1w", "T2w"] for key in visits}
    assert [one.person for one in found.subjects] == ["XNAT_S00012", "XNAT_S00012", "XNAT_S00013"]


SERIES = ("t1_mprage_sag_s02", "t2_tse_tra_s04", "t2_spc_dark-fluid_s05", "t1_mprage_sag_KM_s09")


def test_the_number_of_the_series_at_the_end_is_no_person(tmp_path):
    names = [f"{person}/20210304_103000_{name}.nii.gz" for person in ("Doe", "Roe") for name in SERIES]
    assert contrasts(found_in(tmp_path, *names)) == {key: ["FLAIR", "T1c", "T1w", "T2w"] for key in ["Doe", "Roe"]}


def test_series_without_a_folder_are_refused_and_people_are_not(tmp_path):
    image(tmp_path / "both/T1_s01.nii.gz")
    image(tmp_path / "both/T2_s01.nii.gz")
    image(tmp_path / "both/T1_s02.nii.gz")
    assert contrasts(find_subjects(tmp_path / "both")) == {"s01": ["T1w", "T2w"], "s02": ["T1w"]}
    with pytest.raises(ValueError, match="may be those of people or of series"):
        found_in(tmp_path / "series", "t1_mprage_s02.nii.gz", "t2_tse_s04.nii.gz")


def test_initials_that_are_also_a_word_are_of_a_person(tmp_path):
    names = [
        f"{person}_{day}_{name}" for person in ("KM", "AB") for day in ("2019-01-01", "2020-03-15") for name in "12"
    ]
    with pytest.raises(ValueError, match="names of its files begin with different words"):
        found_in(tmp_path, *(f"{name[:-1]}T{name[-1]}.nii.gz" for name in names))


def test_anat_below_a_person_who_is_not_called_sub(tmp_path):
    root = tmp_path / "anat"
    found = found_in(root, *(f"S01/{name}.nii.gz" for name in ("anat/T1w", "anat/T2w", "dwi/dwi")))
    assert contrasts(found) == {"S01": ["DWI", "T1w", "T2w"]}
    path = found.subjects[0].images["T1w"]
    assert Inventory(root=root, found=found).below(path) == "S01/anat/T1w.nii.gz"


def test_a_link_that_leads_nowhere_is_listed(tmp_path):
    image(tmp_path / "store/P1/T1.nii.gz")
    (tmp_path / "links").mkdir()
    for person in ("P1", "P2"):
        (tmp_path / "links" / person).symlink_to(tmp_path / "store" / person)
    found = find_subjects(tmp_path / "links")
    assert contrasts(found) == {"P1": ["T1w"]}
    assert "P2: is a broken link" in reasons(found.ignored)


def test_fsl_and_freesurfer_and_cat12_compute_no_contrast(tmp_path):
    names = ("T1_brain_mixeltype", "T1_brain_pve_0", "T1_brain_seg", "T1_brain_mask", "T1_pveseg", "c1T1", "wc1T1")
    more = ("mwp1T1", "rc1T1", "c3T1", "p1T1", "aseg", "aparc+aseg", "T1_synthseg", "T1_seg_0", "T1_prob_1")
    found = found_in(tmp_path, *(f"P1/{name}.nii.gz" for name in ("T2", *names, *more)))
    assert contrasts(found) == {"P1": ["T2w"]}
