"""Scaled views: fewer voxels are shown than the truth has, which is known at random points."""

from __future__ import annotations

from ast import literal_eval
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch
from nibabel.affines import from_matvec

from anysyn.data.augment import Flip
from anysyn.data.geometry.grid import Grid, resample
from anysyn.data.loading.cache import Cache
from anysyn.data.loading.samples import Samples
from anysyn.data.prepare import Canonical, Nonnegative, Pipeline, Rescale
from anysyn.data.records import Subject
from anysyn.data.views import Patches, ScaledPatches, ScaledSlices, Slices
from anysyn.points import grid, sample_at
from anysyn.registry import build

NAMES = ("T1w", "T2w", "FLAIR")
SHAPE = (30, 28, 26)


@pytest.fixture
def subjects(tmp_path):
    found = []
    for number, names in enumerate((("T1w", "T2w"), NAMES)):
        images = {}
        for name in names:
            ramp = np.indices(SHAPE).sum(0)
            noise = np.random.default_rng(len(images)).random(SHAPE)
            images[name] = tmp_path / f"{number}-{name}.nii.gz"
            nib.save(nib.Nifti1Image((ramp + 20 * noise + 5).astype(np.float32), np.diag([1, 1.5, 2, 1])), images[name])
        found.append(Subject(f"sub-{number}", "north", images, {}, {}))
    return found


def samples_of(subjects, tmp_path, view, **options):
    pipeline = Pipeline((Canonical(), Nonnegative(), Rescale(upper=100)))
    given = {"modalities": NAMES, "pipeline": pipeline, "cache": Cache(tmp_path / "cache")}
    return Samples.prepare(subjects, view=view, **given, **options)


def drawn(samples, seed=0):
    return samples.batch(range(len(samples)), torch.Generator().manual_seed(seed))


def test_shapes_spacing_and_what_is_said_of_both_voxel_sizes(subjects, tmp_path):
    view = ScaledPatches(size=(6, 5, 4), scales=(1.0, 3.0), points=50, per_volume=3)
    batch = drawn(samples_of(subjects, tmp_path, view))
    assert (batch.images.shape, batch.values.shape) == ((6, 3, 6, 5, 4), (6, 3, 50))
    assert (batch.points.at.shape, batch.points.step.shape) == ((6, 50, 3), (6, 3))
    own = torch.tensor([1.0, 1.5, 2.0])
    torch.testing.assert_close(batch.spacing, own / batch.points.step)
    for row, spacing in enumerate(batch.spacing.tolist()):
        assert batch.acquisitions[row][0].voxel_size_mm == pytest.approx(spacing, abs=1e-4)
        assert batch.value_acquisitions[row][0].voxel_size_mm == pytest.approx((1.0, 1.5, 2.0))
    assert batch.acquisitions[0][2] is batch.value_acquisitions[0][2] is None
    assert not batch.images[:3, 2].any()
    assert not batch.values[:3, 2].any()
    query = batch.ask(torch.zeros(6, 1, dtype=torch.long), torch.ones(6, 1, dtype=torch.long))
    assert query.source_acquisitions[4][0] == batch.acquisitions[4][0]
    assert query.target_acquisitions[4][0] == batch.value_acquisitions[4][1]


def test_values_are_the_truth_at_voxel_centres_of_the_box_and_none_is_drawn_twice(subjects, tmp_path):
    view = ScaledPatches(size=(6, 6, 6), points=200, per_volume=2)
    samples = samples_of(subjects, tmp_path, view)
    batch = drawn(samples)
    for row, key in enumerate(batch.keys):
        volume = samples.volumes[int(key.split()[0][-1])]
        start = literal_eval(key.split(maxsplit=1)[1])
        size = (6 / batch.points.step[row]).round().long()
        voxels = (((batch.points.at[row] + 1) / 2 * size) - 0.5).round().long()
        assert len(voxels.unique(dim=0)) == 200
        x, y, z = (voxels + torch.tensor(start)).T
        assert torch.equal(batch.values[row, 0], volume.images[0][x, y, z])
        cut = volume.images[0][tuple(slice(a, a + n) for a, n in zip(start, size.tolist(), strict=True))]
        ratio = size.numpy() / 6
        coarse = Grid((6, 6, 6), from_matvec(np.diag(ratio), (ratio - 1) / 2))
        expected = resample(cut.contiguous(), Grid(tuple(size.tolist()), np.eye(4)), coarse)
        torch.testing.assert_close(batch.images[row, 0], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("scaled", "plain"),
    [
        (ScaledPatches(size=(6, 5, 4), scales=(1.0, 1.0), per_volume=4), Patches(size=(6, 5, 4), per_volume=4)),
        (ScaledSlices(size=(30, 28), scales=(1.0, 1.0), per_volume=26), Slices()),
    ],
    ids=["patches", "slices"],
)
def test_at_scale_one_with_all_voxels_it_is_the_plain_view(subjects, tmp_path, scaled, plain):
    fine, whole = (drawn(samples_of(subjects, tmp_path, view)) for view in (scaled, plain))
    if isinstance(scaled, ScaledPatches):
        assert torch.equal(fine.images, whole.images)
        assert fine.keys == whole.keys
        assert fine.acquisitions == whole.acquisitions == fine.value_acquisitions
    else:  # which slices is drawn
        assert {image[0].sum().item() for image in fine.images} <= {image[0].sum().item() for image in whole.images}
    assert torch.equal(fine.spacing, whole.spacing)
    assert (fine.points.step == 1).all()
    torch.testing.assert_close(sample_at(fine.images, fine.points), fine.values, atol=1e-5, rtol=0)
    everywhere = grid(fine.images.shape[2:]).expand(len(fine.images), -1, -1)
    assert {tuple(p) for p in fine.points.at[0].tolist()} == {tuple(p) for p in everywhere[0].tolist()}


def test_scales_are_even_tenths_and_shared_by_the_axes_by_default(subjects, tmp_path):
    view = ScaledPatches(size=(10, 10, 10), points=1, per_volume=60)
    scales = 1 / drawn(samples_of(subjects, tmp_path, view)).points.step
    torch.testing.assert_close(scales, (scales * 10).round() / 10)
    assert (scales == scales[:, :1]).all()
    assert 1 <= scales.min() < 1.3
    assert 2.7 < scales.max() <= 3
    view = ScaledPatches(size=(10, 10, 10), points=1, per_volume=60, isotropic=False)
    steps = drawn(samples_of(subjects, tmp_path, view)).points.step
    assert not (steps == steps[:, :1]).all()


def test_the_generator_alone_decides(subjects, tmp_path):
    samples = samples_of(subjects, tmp_path, ScaledPatches(size=(6, 6, 6), points=20))
    a, b, c = (drawn(samples, seed) for seed in (1, 1, 2))
    for one, again in ((a.images, b.images), (a.values, b.values), (a.points.at, b.points.at)):
        assert torch.equal(one, again)
    assert not torch.equal(a.points.at, c.points.at)


def test_augmentation_changes_what_is_shown_and_its_truth_alike(subjects, tmp_path):
    view, flips = ScaledPatches(size=(6, 6, 6), scales=(1.0, 1.0)), ((), [Flip(probability=1.0)])
    plain, mirrored = (drawn(samples_of(subjects, tmp_path, view, augment=augment)) for augment in flips)
    assert torch.equal(mirrored.images, plain.images.flip(2))
    torch.testing.assert_close(sample_at(mirrored.images, mirrored.points), mirrored.values, atol=1e-5, rtol=0)


def test_some_of_a_batch_keep_what_belongs_to_them(subjects, tmp_path):
    batch = drawn(samples_of(subjects, tmp_path, ScaledSlices(size=(6, 6), points=20, per_volume=4)))
    assert batch.images.shape == (8, 3, 6, 6)
    some = batch.take(slice(2, 5))
    assert torch.equal(some.values, batch.values[2:5])
    assert some.value_acquisitions == batch.value_acquisitions[2:5]
    assert torch.equal(replace(some, points=None).images, batch.images[2:5])


def test_synthesis_takes_tiles_of_the_largest_truth():
    assert ScaledPatches(size=(20, 20, 20)).size == (60, 60, 60)
    assert ScaledPatches(size=(20, 20, 20), tile=(40, 40, 40)).cover((80, 40, 40), 0.0)[0].size == (40, 40, 40)
    assert ScaledSlices(size=(20, 20)).cover((80, 40, 3), 0.0)[0].size == (80, 40, 1)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"points": 217}, "217 is not from 1 to 216"),
        ({"points": 0}, "points"),
        ({"scales": (0.5, 2.0)}, "from 1 up"),
        ({"scales": (3.0, 2.0)}, "range"),
        ({"per_volume": 0}, "per_volume"),
        ({"tile": (8, 8, 8), "halo": 4}, "halo"),
        ({"overlap": 1.0}, "overlap"),
    ],
)
def test_values_that_make_no_sense_are_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        build("view", {"name": "scaled_patches", "size": (6, 6, 6), **keys})
    if {"overlap", "tile"}.isdisjoint(keys):
        with pytest.raises(ValueError, match=message.replace("216", "36")):
            build("view", {"name": "scaled_slices", "size": (6, 6), **keys})
