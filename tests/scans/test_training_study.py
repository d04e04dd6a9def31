"""A run keeps how its scans were prepared, so that a scan that is handed in later is prepared alike."""

import json

import pytest
from head_phantom import grid_of, write

import anysyn
from anysyn.data.subjects.find import find_subjects
from anysyn.scans.steps import Steps
from anysyn.scans.training_study import is_study, steps_like, training_study

BRAIN = (((0, 0, 0), (68, 85, 65), (80, 60)), ((0, 0, 0), (30, 40, 30), (110, 50)))  # 1.6 litres


def looks(folder, **options):
    write(folder / "a" / "T1w.nii.gz", **options)
    return training_study(folder, find_subjects(folder).subjects)


def test_brains_and_cubes_are_recognised(tmp_path):
    alone = looks(tmp_path / "brains", body=BRAIN, noise=0)
    assert alone == {"Steps": None, "BrainExtracted": True, "VoxelSizeMm": 4.0}
    assert steps_like(alone, "T2w") == Steps(to="T2w", brain=True, spacing=4.0)
    thick = looks(tmp_path / "heads", grid=grid_of((48, 56, 30), (4.0, 4.0, 6.0)))
    assert thick == {"Steps": None, "BrainExtracted": False, "VoxelSizeMm": None}
    assert steps_like(thick) == Steps()


def test_the_steps_of_a_study_are_taken_over(tmp_path):
    write(tmp_path / "in" / "a" / "T1w.nii.gz", grid=grid_of((30, 36, 30), (6.0, 6.0, 6.0)))
    study = anysyn.prepare(tmp_path / "in", out=tmp_path / "out", bias=True, spacing=8.0)
    assert is_study(study.folder)
    kept = training_study(study.folder, find_subjects(study.folder).subjects)
    assert steps_like(kept) == Steps(bias=True, spacing=8.0)


def test_a_run_keeps_it(tiny):
    kept = json.loads((tiny / "run" / "study.json").read_text())
    assert kept == {"Steps": None, "BrainExtracted": False, "VoxelSizeMm": None}


@pytest.mark.parametrize("root", [None, "nowhere"])
def test_nothing_is_known_of_what_is_not_there(root):
    assert training_study(root, []) == {"Steps": None, "BrainExtracted": None, "VoxelSizeMm": None}
