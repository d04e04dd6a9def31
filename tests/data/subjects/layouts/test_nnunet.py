"""Label maps of nnU-Net's layout are masks of the images of their case."""

import json

import pytest
from subject_files import image, reasons, text

from anysyn.data.subjects.find import find_subjects

CHANNELS = {"0": "FLAIR", "1": "T1"}


def write(root, cases, labels, named):
    text(root / "dataset.json", json.dumps({"channel_names": CHANNELS, "labels": named}))
    for case in cases:
        for channel in CHANNELS:
            image(root / f"imagesTr/{case}_000{channel}.nii.gz")
    for case in labels:
        image(root / f"labelsTr/{case}.nii.gz")
    return {one.key: dict(one.masks) for one in find_subjects(root).subjects}


@pytest.mark.parametrize("cases", [["B_001"], ["B_001", "B_002"], ["B_1", "B_10"], ["s_DWI_01", "s_DWI_02"]])
def test_each_subject_has_its_own(tmp_path, cases):
    masks = write(tmp_path, cases, cases, {"background": 0, "edema": 1, "core": 2})
    labels = {case: {"labels": tmp_path / f"labelsTr/{case}.nii.gz"} for case in cases}
    assert [masks[key] for key in sorted(masks)] == [labels[case] for case in sorted(cases)]


@pytest.mark.parametrize("named", [{"background": 0, "infarct": 1}, {"0": "background", "1": "Infarct"}])
def test_one_label_gives_its_name(tmp_path, named):
    assert [list(masks) for masks in write(tmp_path, ["B_001"], ["B_001"], named).values()] == [["infarct"]]


def test_a_label_map_without_image_is_listed_and_nobodys(tmp_path):
    masks = write(tmp_path, ["B_001"], ["B_001", "B_002"], {"background": 0, "lesion": 1})
    assert masks == {"imagesTr/B_001": {"lesion": tmp_path / "labelsTr/B_001.nii.gz"}}
    assert "B_002.nii.gz: is the label map of no image in imagesTr" in reasons(find_subjects(tmp_path).ignored)
