"""The steps that a recipe may name too: their inverses, also on another grid and for other modalities."""

from dataclasses import replace

import pytest
import torch
from head_phantom import grid_of, image

from anysyn.data.geometry.grid import with_spacing
from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume
from anysyn.plugins import enrol
from anysyn.registry import build

enrol()
GRID = grid_of((30, 36, 30), (6.0, 6.0, 6.0))


@pytest.fixture(scope="module")
def study():
    shading = torch.linspace(0.7, 1.3, 30).reshape(-1, 1, 1)
    return study_of({"T1w": Volume(image(grid=GRID) * shading, GRID.affine)})


def test_the_bias_field_comes_back_on_any_grid(study):
    even, undo = build("prepare", {"name": "bias_field"}).forward(study)
    assert torch.allclose(undo(even).images["T1w"], study.images["T1w"], rtol=1e-5)
    fine = with_spacing(GRID, (3.0, 3.0, 3.0))
    ones = torch.ones(fine.shape)
    there = undo(replace(even, images={"T1w": ones, "T2w": ones}, affine=fine.affine, foreground=ones > 0)).images
    field = study.images["T1w"] / even.images["T1w"]
    assert torch.allclose(torch.nn.functional.avg_pool3d(there["T1w"][None], 2)[0], field, rtol=0.05)
    assert torch.equal(there["T2w"], ones)


@pytest.mark.slow
def test_the_brain_alone_is_left_of_a_simulated_head(shared, tmp_path):
    pytest.importorskip("deepbet")
    import anysyn
    from anysyn.data.subjects.find import find_subjects
    from anysyn.data.volumes.study import read_study
    from anysyn.data.volumes.volume import read_mask
    from anysyn.scans.brain.mask import dice

    heads = anysyn.simulate(tmp_path / "heads", subjects=1, labels=shared / "label_maps", contrasts=["T1w"], seed=3)
    [subject] = find_subjects(heads).subjects
    alone, _ = build("prepare", {"name": "brain"}).forward(read_study(subject))
    truth = read_mask(subject.masks["brain"]).voxels
    assert dice(alone.foreground, truth) > 0.95
    assert not alone.images["T1w"][~alone.foreground].any()
