"""A blank image counts as absent: its subject goes on with the others, and it is listed."""

import csv
import json

import nibabel as nib
import numpy as np
import pytest
from toys import TINY, write_cohort

import anysyn
from anysyn.data.errors import VolumeError
from anysyn.data.subjects.find import find_subjects
from anysyn.data.subjects.placeholders import absent_images, without_blank
from anysyn.data.volumes.study import read_study

NAMES = ("T1w", "T2w", "FLAIR")


def blank(path, value=0):
    image = nib.load(path)
    nib.save(nib.Nifti1Image(np.full(image.shape, value, np.float32), image.affine), path)


@pytest.fixture
def cohort(tmp_path):
    return write_cohort(tmp_path / "cohort")


@pytest.mark.parametrize("value", [0, 7])
def test_a_blank_image_is_absent_from_the_study(cohort, value):
    blank(cohort / "sub-00" / "T2w.nii.gz", value)
    study = read_study(find_subjects(cohort).subjects[0])
    assert list(study.images) == ["T1w", "FLAIR"]
    assert f"every voxel is {value}" in study.absent["T2w"]


def test_a_subject_of_blank_images_is_refused(cohort):
    for name in NAMES:
        blank(cohort / "sub-00" / f"{name}.nii.gz")
    with pytest.raises(VolumeError, match=r"sub-00: .*T1w\.nii\.gz: every voxel is 0.*FLAIR\.nii\.gz"):
        read_study(find_subjects(cohort).subjects[0])


def test_only_the_modalities_asked_for_are_read(cohort):
    blank(cohort / "sub-00" / "T2w.nii.gz")
    subject = find_subjects(cohort).subjects[0]
    assert without_blank(subject, ["T1w", "FLAIR"]) is subject
    less = without_blank(subject, NAMES)
    assert list(less.images) == ["T1w", "FLAIR"]
    assert [str(image).split(":")[:2] for image in absent_images([less])] == [["sub-00", " T2w counts as absent"]]


def blank_in(folder):
    """List the blank images that a command keeps among what it left out."""
    with (folder / "subjects-left-out.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if "every voxel is 0" in row["reason"]]
    assert {row["used"] for row in rows} == {"no"}
    return sorted((row["subject"], row["modality"]) for row in rows)


def test_training_and_completion_go_on_and_say_so(cohort, tmp_path):
    for subject in ("sub-00", "sub-01", "sub-02", "sub-03"):
        blank(cohort / subject / "T2w.nii.gz" if subject != "sub-03" else cohort / subject / "FLAIR.nii.gz")
    (tmp_path / "tiny.yaml").write_text(TINY)
    split = "data.split={train: [sub-00, sub-03], validation: [sub-01], test: [sub-02]}"
    overrides = [f"data.root={cohort}", "stages.0.epochs=1", split]
    result = anysyn.train(tmp_path / "tiny.yaml", out=tmp_path / "run", overrides=overrides, accelerator="cpu")
    assert result.failures == ()
    remarks = json.loads((tmp_path / "run" / "remarks.json").read_text())
    assert [remark["subject"] for remark in remarks] == ["sub-00", "sub-03", "sub-01"]
    assert "every voxel is 0" in remarks[0]["reason"]
    assert blank_in(tmp_path / "run") == [("sub-00", "T2w"), ("sub-01", "T2w"), ("sub-03", "FLAIR")]
    completed = anysyn.complete(tmp_path / "run", data=cohort, out=tmp_path / "made", accelerator="cpu")
    assert completed.failures == ()
    assert len(completed.written) == 4
    assert len([line for line in completed.lines() if "counts as absent" in line]) == 4
    every = [("sub-00", "T2w"), ("sub-01", "T2w"), ("sub-02", "T2w"), ("sub-03", "FLAIR")]
    assert blank_in(tmp_path / "made") == every
    results = anysyn.evaluate(tmp_path / "run", pairs="T1w:FLAIR,T1w:T2w", split="all")
    assert results.failures == ()
    assert results.skipped == {"T1w:FLAIR": 1, "T1w:T2w": 3}
    assert any("Blank images that count as absent: 4" in note for note in results.notes)
    assert blank_in(results.folder) == every


def test_one_image_that_is_left_is_too_few_to_train_on(cohort, tmp_path):
    for name in ("T2w", "FLAIR"):
        blank(cohort / "sub-00" / f"{name}.nii.gz")
    (tmp_path / "tiny.yaml").write_text(TINY)
    split = "data.split={train: [sub-00, sub-03], validation: [sub-01], test: [sub-02]}"
    overrides = [f"data.root={cohort}", "stages.0.epochs=1", split]
    result = anysyn.train(tmp_path / "tiny.yaml", out=tmp_path / "run", overrides=overrides, accelerator="cpu")
    assert [failure.key for failure in result.failures] == ["sub-00"]
    assert "only T1w is left" in result.failures[0].reason
