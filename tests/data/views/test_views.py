from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from anysyn.data.geometry.output_grid import Raster
from anysyn.data.views import Patches, ScaledPatches, ScaledSlices, Slabs, Slices, Whole
from anysyn.registry import build, find, names
from anysyn.synthesis.tiling.tile_blending import BlendedTiles

VIEWS = [
    Slices(),
    Slices(axis="coronal"),
    Slices(axis="sagittal", size=(4, 5)),
    Slabs(thickness=3),
    Slabs(thickness=4, axis="sagittal"),
    Slabs(thickness=3, axis="coronal", size=(4, 5), place="random"),
    Patches(size=(4, 5, 6)),
    Patches(size=(8, 8, 8)),
    Patches(size=(5, 6, 7), overlap=0.0, halo=2),
    Whole(),
    Whole(size=(5, 6, 7)),
]
SCALED = [ScaledPatches(size=(4, 4, 4)), ScaledSlices(size=(4, 6))]
shapes = st.tuples(*[st.integers(1, 14)] * 3)


def drawn(view, foreground, seed=0):
    """Draw every box of an epoch."""
    others = [axis for axis in range(3) if axis != view.axes[0]]
    boxes = view.boxes(foreground, foreground.sum(others), view.extent([tuple(foreground.shape)]))
    return [boxes.draw(i, torch.Generator().manual_seed(seed + i)) for i in range(len(boxes))]


@settings(deadline=None)
@given(st.sampled_from(VIEWS), shapes, st.floats(0, 0.8))
def test_untouched_tiles_give_the_volume_back(view, shape, overlap):
    images = torch.rand(2, *shape) + 1
    blended = BlendedTiles(Raster.same(shape), torch.zeros(2))
    for box in view.cover(shape, overlap):
        kept = box.kept(shape, view.halo)
        blended.put(kept, view.give(view.take(images, box), box)[(slice(None), *box.of(kept))])
    torch.testing.assert_close(blended.images(), images, rtol=1e-5, atol=1e-5)


@settings(deadline=None)
@given(st.sampled_from(VIEWS), shapes, st.integers(0, 9))
def test_tiles_without_foreground_are_left_out_and_no_foreground_is_lost(view, shape, seed):
    inside = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) > 0.97
    tiles = view.tiles(inside, overlap=0.5)
    covered = torch.zeros(shape, dtype=torch.bool)
    for box in tiles:
        assert inside[box.inside(shape)].any()
        covered[box.inside(shape)] = True
    assert covered[inside].all()
    assert len({box.size for box in tiles}) <= 1  # so that they can be batched


@settings(deadline=None)
@given(st.sampled_from(VIEWS), shapes, st.integers(0, 9))
def test_training_boxes_hold_foreground_and_have_one_size(view, shape, seed):
    inside = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) > 0.8
    inside[tuple(n // 2 for n in shape)] = True
    extent = view.extent([shape])
    boxes = drawn(view, inside)
    assert boxes
    for box in boxes:
        assert box.size == extent
        if extent[view.axes[1]] >= shape[view.axes[1]] and extent[view.axes[2]] >= shape[view.axes[2]]:
            assert inside[box.inside(shape)].any()


def test_random_crops_lie_anywhere_about_the_foreground_and_keep_their_slices():
    view, foreground = Slabs(thickness=2, size=(3, 4), place="random"), torch.zeros(12, 13, 6, dtype=torch.bool)
    foreground[1, 1], foreground[10, 11] = True, True  # two rods, far from the centre
    epochs = [drawn(view, foreground, seed) for seed in range(10)]
    for boxes in epochs:
        assert [box.start[2] for box in boxes] == [0, 1, 2, 3, 4]
        assert all(foreground[box.inside(foreground.shape)].any() for box in boxes)
        assert all(0 <= a <= m - n for box in boxes for a, n, m in zip(*box, foreground.shape, strict=True))
    assert {box.start[:2] for boxes in epochs for box in boxes} == {(0, 0), (9, 9)}


def test_a_slice_has_the_values_and_the_axes_of_its_plane():
    images = torch.rand(2, 4, 5, 6)
    for axis, expected in (("axial", images[:, :, :, 1]), ("coronal", images[:, :, 1]), ("sagittal", images[:, 1])):
        view = Slices(axis=axis)
        assert torch.equal(view.take(images, view.cover((4, 5, 6), 0)[1]), expected)
    assert [Slices(axis=axis).spatial for axis in ("axial", "coronal", "sagittal")] == [(0, 1), (0, 2), (1, 2)]


def test_a_slab_has_its_slices_first():
    images, view = torch.rand(2, 4, 5, 6), Slabs(thickness=3)
    assert (view.depth, view.spatial) == (3, (2, 0, 1))
    box = drawn(view, torch.ones(4, 5, 6, dtype=torch.bool))[1]
    assert torch.equal(view.take(images, box), images[:, :, :, 1:4].movedim(3, 1))


def test_slices_with_too_little_foreground_train_nobody():
    inside = torch.zeros(10, 10, 5, dtype=torch.bool)
    inside[:, :, 2] = True
    inside[:2, :5, 3] = True  # a tenth of the fullest slice
    inside[0, 0, 4] = True
    assert [box.start[2] for box in drawn(Slices(min_foreground=0.1), inside)] == [2, 3]
    assert [box.start[2] for box in drawn(Slices(min_foreground=0.11), inside)] == [2]
    assert [box.start[2] for box in drawn(Slices(min_foreground=0.0), inside)] == [2, 3, 4]


def test_training_slices_of_one_size_are_centred():
    view = Slices(size=(4, 8))
    box = drawn(view, torch.ones(10, 6, 2, dtype=torch.bool))[0]
    assert (box.start, box.size) == ((3, -1, 0), (4, 8, 1))
    assert Slices().extent([(10, 6, 2), (8, 12, 3)]) == (10, 12, 1)
    assert view.cover((20, 30, 2), 0.5)[0].size == (20, 30, 1)  # at synthesis


def test_slabs_at_the_ends_stay_inside():
    assert [box.start[2] for box in drawn(Slabs(thickness=3), torch.ones(4, 4, 6, dtype=torch.bool))] == [0, 1, 2, 3]
    assert [box.start[2] for box in drawn(Slabs(thickness=5), torch.ones(4, 4, 1, dtype=torch.bool))] == [-2]


def test_patches_are_drawn_about_every_foreground_voxel_alike():
    inside = torch.zeros(30, 30, 30, dtype=torch.bool)
    inside[[10, 10, 20], [10, 10, 12], [10, 11, 15]] = True
    view = Patches(size=(4, 4, 4), per_volume=600)
    counts = Counter(tuple(a + 2 for a in box.start) for box in drawn(view, inside))
    assert set(counts) == set(map(tuple, inside.nonzero().tolist()))
    assert min(counts.values()) > 150  # 200 expected, 11 standard deviation
    assert drawn(view, inside, seed=5) == drawn(view, inside, seed=5)
    assert drawn(view, inside, seed=5) != drawn(view, inside, seed=6)


def test_patches_stay_inside_the_volume_where_they_can():
    for box in drawn(Patches(size=(4, 4, 9), per_volume=50), torch.ones(6, 7, 5, dtype=torch.bool)):
        x, y, z = box.start
        assert 0 <= x <= 2
        assert 0 <= y <= 3
        assert z == -2


def test_every_registered_view_was_tried():
    assert {type(view) for view in (*VIEWS, *SCALED)} == {find("view", name) for name in names("view")}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "slices", "min_foreground": 1.5}, "min_foreground"),
        ({"name": "slices", "size": (0, 4)}, "size"),
        ({"name": "slabs", "thickness": 0}, "thickness"),
        ({"name": "patches", "size": (4, 4, 0)}, "size"),
        ({"name": "whole", "size": (4, 0, 4)}, "is not at least one voxel"),
    ],
)
def test_values_that_make_no_sense_are_refused(spec, message):
    with pytest.raises(ValueError, match=message):
        build("view", spec)
