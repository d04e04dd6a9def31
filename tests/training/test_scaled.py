"""Training on random points of a finer truth, both ways; the run then answers at any voxel size."""

import nibabel as nib
import pytest
import torch
from toys import write_cohort
from trained import write_tiny

import anysyn
from anysyn.training.run_folder.folder import RunFolder

VIEWS = {
    "patches": {"name": "scaled_patches", "size": [4, 4, 4], "scales": [1.0, 2.5], "per_volume": 3},
    "slices": {"name": "scaled_slices", "size": [8, 8], "scales": [1.0, 2.0], "points": 40, "per_volume": 4},
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_cohort(tmp_path_factory.mktemp("scaled") / "cohort")


def recipe(folder, cohort, view):
    def change(tree):
        tree["data"] |= {"root": str(cohort), "view": VIEWS[view], "augment": [{"name": "flip"}]}
        tree["stages"][0] |= {"queries": {"name": "one_to_one"}, "checkpoint_every": 1}
        tree["stages"][0]["steps"][0]["objective"]["name"] = "two_way"

    return write_tiny(folder, change)


@pytest.mark.parametrize("view", VIEWS)
def test_a_run_on_points_trains_validates_and_answers_at_any_voxel_size(tmp_path, cohort, view):
    path = recipe(tmp_path, cohort, view)
    scores = []
    for name in ("a", "b"):
        anysyn.train(path, out=tmp_path / name, accelerator="cpu")
        scores.append(RunFolder(tmp_path / name).validation.read_text())
    assert scores[0] == scores[1], "the same seed draws the same points"
    assert scores[0].count("l1") == 2
    assert list((tmp_path / "a" / "samples").glob("*.png"))
    source, out = cohort / "sub-00" / "T1w.nii.gz", tmp_path / "t2.nii.gz"
    anysyn.synthesize(tmp_path / "a", sources={"T1w": source}, targets=["T2w"], out=out, spacing=(1.0, 1.5, 2.0))
    assert nib.load(out).shape == (40, 32, 18)
    assert torch.isfinite(torch.from_numpy(nib.load(out).get_fdata())).all()
