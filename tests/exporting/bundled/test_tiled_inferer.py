"""The inferer of a bundle gives what the tiles of a run give."""

from __future__ import annotations

import pytest
import torch
from monai.inferers import SlidingWindowInferer

from anysyn.data.geometry.output_grid import Raster
from anysyn.data.views import Slices
from anysyn.data.views.patches import Patches
from anysyn.data.views.slices import Slabs
from anysyn.data.views.whole import Whole
from anysyn.exporting.bundle_config import tile_of
from anysyn.exporting.bundled.tiled_inferer import TiledInferer
from anysyn.synthesis.tiling.tiles import TiledOutput


def ramp(tile):
    """Answer by what depends on the place in the tile, so that starts, weights and halo all count."""
    places = torch.meshgrid(*(torch.linspace(0, 1, n) for n in tile.shape[2:]), indexing="ij")
    return tile.mean(1, keepdim=True) + sum(place * (axis + 1) for axis, place in enumerate(places))


def by_the_run(view, image, inside, air):
    """Return the answer (X, Y, Z) of a run's own tiles."""
    output = TiledOutput(view, Raster.same(tuple(inside.shape)), torch.tensor([air]))
    for [tile] in output.tiles(inside, most=1):
        piece = view.take(image, tile.box)
        answer = ramp(view.give(piece, tile.box)[None])[0]  # in the order of the volume's axes
        output.put(tile, view.take(answer, Box_of(answer)))
    return output.images()[0]


def Box_of(answer):
    from anysyn.data.geometry.boxes import Box

    return Box((0, 0, 0), tuple(answer.shape[1:]))


@pytest.mark.parametrize(
    "view",
    [
        *(Patches(size=(6, 5, 8)), Patches(size=(8, 8, 8), overlap=0.6, halo=1), Patches(size=(30, 4, 4), overlap=0.0)),
        *(Slabs(thickness=4), Slabs(thickness=3, axis="sagittal"), Slices(axis="coronal"), Whole()),
    ],
    ids=["boxes", "overlapping", "rods", "slabs", "sagittal", "coronal", "whole"],
)
def test_the_answer_is_that_of_the_runs_tiles(view):
    draw = torch.Generator().manual_seed(0)
    image = torch.rand(2, 21, 17, 13, generator=draw)
    inside = torch.zeros(21, 17, 13, dtype=torch.bool)
    inside[2:9, 3:14, 6:12] = True
    inferer = TiledInferer(size=tile_of(view), overlap=view.overlap, halo=view.halo, air=-3.0)
    found = inferer(image[None], ramp, inside=inside[None, None])
    torch.testing.assert_close(found[0, 0], by_the_run(view, image, inside, -3.0), atol=1e-5, rtol=0)


def test_lengths_are_filled_up_for_the_network_alone():
    def strided(tile):
        assert [length % 4 for length in tile.shape[2:]] == [0, 0, 3]
        return tile[:, :1]

    image = torch.rand(2, 1, 9, 6, 3)
    inferer = TiledInferer(size=[7, 7, -1], overlap=0.25, multiple=[4, 4, 1])
    torch.testing.assert_close(inferer(image, strided), image)


def test_beyond_the_volume_is_what_the_caller_says():
    seen = []
    TiledInferer(size=[4, 4, 4], overlap=0.0)(
        torch.ones(1, 2, 2, 4, 4), lambda tile: seen.append(tile) or tile[:, :1], outside=[-1.0, 5.0]
    )
    assert seen[0][0, :, 0, 0, 0].tolist() == [-1.0, 5.0]


def test_with_one_tile_an_axis_monai_gives_the_same():
    image = torch.rand(1, 1, 8, 8, 9)
    found = TiledInferer(size=[-1, -1, 1], overlap=0.5)(image, ramp)
    expected = SlidingWindowInferer(roi_size=[-1, -1, 1], overlap=0.0)(image, ramp)
    torch.testing.assert_close(found, expected)
