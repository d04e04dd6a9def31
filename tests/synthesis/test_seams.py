"""Tiles do not show: differences across their borders are like those elsewhere."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from anysyn.data.geometry.grid import with_spacing
from anysyn.data.prepare import Pipeline
from anysyn.data.views import Patches
from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume
from anysyn.ops import pick
from anysyn.points import sample_at
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.training.devices import Hardware
from anysyn.types import Features, Synthesis

SHAPE = (44, 40, 36)
NOISE = 0.1


class Residual(nn.Module):
    """Look ``reach`` voxels far: residual convolutions with random weights and zero padding, as encoders have."""

    def __init__(self, reach, pointwise=False):
        super().__init__()
        self.pointwise, self.answered = pointwise, 0
        torch.manual_seed(0)
        self.first, self.last = nn.Conv3d(1, 8, 1), nn.Conv3d(8, 1, 1)
        self.blocks = nn.ModuleList(nn.Conv3d(8, 8, 3, padding=1) for _ in range(reach))

    def forward(self, batch, query, places=None):
        x = self.first(pick(batch.images, query.sources))
        for block in self.blocks:
            x = x + 0.5 * block(x.relu())
        image = self.last(x)
        self.answered += len(x) * (image[0].numel() if places is None else places.points(1).at.shape[1])
        return Synthesis(image if places is None else sample_at(image, places), Features((), x))


def study():
    texture = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(SHAPE), 1.5)
    image = torch.from_numpy((1 + 0.3 * texture / texture.std()).astype(np.float32))
    return study_of({"T1w": Volume(image, np.eye(4))})


def answer(reach, view, onto=None, model=None):
    recipe = SimpleNamespace(modalities=("T1w", "T2w"))
    hardware = Hardware()
    run = LoadedRun(None, recipe, (model or Residual(reach)).eval(), Pipeline(()), view, hardware)
    return run.predict(study(), ["T1w"], ["T2w"], onto=onto)["T2w"]


def seam(image, view):
    """Return the mean |difference| across the borders of tiles, over that between all other neighbours."""
    across, elsewhere = [], []
    for axis in range(3):
        difference = image.diff(dim=axis).abs().movedim(axis, 0)  # (n - 1, a, b)
        kept = [box.kept(SHAPE, view.halo) for box in view.cover(SHAPE, view.overlap)]
        ends = {end - 1 for box in kept for end in (box.start[axis], box.start[axis] + box.size[axis])}
        for place, one in enumerate(difference):
            (across if place in ends else elsewhere).append(one.flatten())
    return float(torch.cat(across).mean() / torch.cat(elsewhere).mean())


WHOLE = Patches(size=SHAPE)


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("spacing", [None, (0.7, 0.8, 1.0), (1.5, 0.6, 2.0)], ids=str)
def test_a_network_that_looks_less_far_than_the_halo_gives_the_untiled_answer(overlap, spacing):
    onto = spacing and with_spacing(study().grid, spacing)
    view = Patches(size=(22, 20, 24), overlap=overlap, halo=3)
    assert len(view.cover(SHAPE, overlap)) > 8
    tiled, whole = (answer(2, one, onto) for one in (view, WHOLE))
    torch.testing.assert_close(tiled, whole, atol=1e-5, rtol=1e-5)


def test_a_decoder_that_answers_place_by_place_is_not_asked_for_the_halo():
    view = Patches(size=(22, 20, 24), halo=3)
    whole, cut = Residual(8), Residual(8, pointwise=True)
    expected, found = (answer(8, view, model=model) for model in (whole, cut))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    boxes = view.cover(SHAPE, view.overlap)
    assert whole.answered == len(boxes) * 22 * 20 * 24
    assert cut.answered == sum(int(np.prod(box.kept(SHAPE, 3).size)) for box in boxes)


def test_blending_hides_tiles_that_a_plain_cut_shows():
    own = Patches(size=(22, 20, 24), halo=3)
    level = seam(answer(8, WHOLE), own)  # what the places of the borders give without any tiles
    assert level == pytest.approx(1, abs=0.1)
    cut, blended, haloed = (
        seam(answer(8, view), view) / seam(answer(8, WHOLE), view)
        for view in (Patches(size=(22, 20, 24), overlap=0.0), Patches(size=(22, 20, 24)), own)
    )
    assert cut > 1.5
    assert blended < 1.05
    assert haloed < 1.05


def test_the_default_needs_few_tiles():
    published = len(Patches(size=(60, 60, 60), overlap=0.5).cover((160, 192, 160), 0.5))
    assert published == 150
    assert len(Patches(size=(60, 60, 60)).tiles(torch.ones(160, 192, 160, dtype=torch.bool))) == 64
    assert len(Patches(size=(60, 60, 60), halo=7).tiles(torch.ones(160, 192, 160, dtype=torch.bool))) == 64
