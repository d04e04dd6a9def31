from __future__ import annotations

from pathlib import Path

import pytest
from subject_files import image, reasons

from anysyn.data.subjects.find import find_subjects
from anysyn.errors import UserError

Groups = dict[str, tuple[str, list[str]]]

# files of one folder, which is the root: {key: (person, modalities)}
FOLDERS: dict[str, Groups] = {
    "sub1_t1 sub1_t2 sub2_t1 sub2_flair": {"sub1": ("sub1", ["T1w", "T2w"]), "sub2": ("sub2", ["T1w", "FLAIR"])},
    "sub1_t1 sub2_flair": {"sub1": ("sub1", ["T1w"]), "sub2": ("sub2", ["FLAIR"])},
    "001_T1 001_FLAIR 002_T1": {"001": ("001", ["T1w", "FLAIR"]), "002": ("002", ["T1w"])},
    "100307_T1w 100408_T2w": {"100307": ("100307", ["T1w"]), "100408": ("100408", ["T2w"])},
    "UPENN-GBM-00001_11_T1 UPENN-GBM-00001_21_FLAIR": {
        "UPENN-GBM-00001_11": ("UPENN-GBM-00001", ["T1w"]),
        "UPENN-GBM-00001_21": ("UPENN-GBM-00001", ["FLAIR"]),
    },
    "sub-01_ses-1_T1w sub-01_ses-2_T1w sub-02_ses-1_T2w": {
        "sub-01_ses-1": ("sub-01", ["T1w"]),
        "sub-01_ses-2": ("sub-01", ["T1w"]),
        "sub-02_ses-1": ("sub-02", ["T2w"]),
    },
    "T1_P01 T2_P02": {"P01": ("P01", ["T1w"]), "P02": ("P02", ["T2w"])},
    "T1_001 FLAIR_001 T1_002": {"001": ("001", ["T1w", "FLAIR"]), "002": ("002", ["T1w"])},
    "T1_BL T1_FU FLAIR_FU": {"BL": ("DATA", ["T1w"]), "FU": ("DATA", ["T1w", "FLAIR"])},
    # one subject, whose series have numbers, planes and times
    "301_T1W 5_Ax_T2_FLAIR": {"DATA": ("DATA", ["T1w", "FLAIR"])},
    "ax_T1 post_T1 sag_FLAIR T2_tra": {"DATA": ("DATA", ["T1w", "T1c", "T2w", "FLAIR"])},
    "P1_t1_mprage_20190131103456_7 P1_t2_tse_20190131103456_12": {"P1": ("P1", ["T1w", "T2w"])},
    "P1_t1_mprage_20190131103456_7 P1_t2_tse_20200131103456_3": {
        "P1_20190131": ("P1", ["T1w"]),
        "P1_20200131": ("P1", ["T2w"]),
    },
    "t1_mprage_sag_p2 t2_spc_iso": {"DATA": ("DATA", ["T1w", "T2w"])},
}


@pytest.mark.parametrize("files", FOLDERS)
def test_who_is_told_apart(files: str, tmp_path: Path) -> None:
    for name in files.split():
        image(tmp_path / "DATA" / f"{name}.nii.gz")
    found = find_subjects(tmp_path / "DATA")
    assert {one.key: (one.person, list(one.images)) for one in found.subjects} == FOLDERS[files]
    assert found.failures == ()
    for subject in found.subjects:  # never an image of somebody else
        assert all(subject.key in ("DATA", "BL", "FU") or subject.person in str(p) for p in subject.images.values())


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ("anna_t1 anna_t2 bob_t1", "begin with different words (anna, bob), so they may be of several people"),
        ("anna_t1 bob_flair", "begin with different words (anna, bob)"),
        ("001_T1 002_FLAIR", "begin with different numbers (001, 002), which may be those of people or of series"),
        ("T1_001 FLAIR_002", "end in different numbers"),
        ("t1_p2 t2_p3", "end in p2, p3, which may be people or settings of the scanner"),
    ],
)
def test_a_folder_is_refused_where_that_is_unclear(files: str, message: str, tmp_path: Path) -> None:
    for name in files.split():
        image(tmp_path / "DATA" / f"{name}.nii.gz")
    with pytest.raises(UserError) as caught:
        find_subjects(tmp_path / "DATA")
    assert message in str(caught.value)
    assert "put each subject into a folder of its own, or list the files in a CSV" in str(caught.value)


def test_one_folder_that_is_refused_costs_no_other(tmp_path: Path) -> None:
    for name in ("mixed/anna_t1", "mixed/bob_flair", "P01/t1"):
        image(tmp_path / f"{name}.nii.gz")
    found = find_subjects(tmp_path)
    assert [one.key for one in found.subjects] == ["P01"]
    assert [failure.path for failure in found.failures] == [tmp_path / "mixed"]
    assert reasons(found.ignored).count("is left out with its folder") == 2


def test_a_file_without_a_name_beside_people_is_refused(tmp_path: Path) -> None:
    for name in ("template_T1", "IXI002-T1", "IXI002-T2", "IXI012-T1"):
        image(tmp_path / f"{name}.nii.gz")
    found = find_subjects(tmp_path)
    assert [one.key for one in found.subjects] == ["IXI002", "IXI012"]
    assert "template_T1.nii.gz: names no subject, though the files beside it do" in reasons(found.failures)


def test_masks_go_with_their_images(tmp_path: Path) -> None:
    for name in ("sub1_t1", "sub2_t1", "sub2_t2", "sub1_lesion_mask", "sub2_tumor_seg", "sub3_seg"):
        image(tmp_path / f"{name}.nii.gz")
    found = find_subjects(tmp_path)
    masks = {one.key: {name: path.name for name, path in one.masks.items()} for one in found.subjects}
    assert masks == {"sub1": {"lesion": "sub1_lesion_mask.nii.gz"}, "sub2": {"tumor_seg": "sub2_tumor_seg.nii.gz"}}
    assert "sub3_seg.nii.gz: is a mask of no image here" in reasons(found.ignored)
