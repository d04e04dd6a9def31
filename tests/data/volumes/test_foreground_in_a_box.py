"""The foreground is searched for in its bounding box alone: the same mask as in the whole image."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from anysyn.data.volumes.foreground import AIR_HU, DARK, _background, _filled, foreground, in_air


def whole_cut_out(voxels):
    background = _background(voxels)
    inside = voxels != background
    if not 0 < inside.mean() < 0.95:
        return None
    rim = inside & ~ndimage.binary_erosion(inside, border_value=1)
    contrast = np.abs(voxels - background)
    return inside if np.median(contrast[rim]) > DARK * np.percentile(contrast[inside], 98) else None


def whole_components(inside):
    labels, _ = ndimage.label(inside)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return (sizes >= max(1, sizes.max() / 10))[labels]


def whole_foreground(image, family):
    voxels = image.numpy()
    low, high = np.percentile(voxels, [2, 98])
    with_air = family == "CT" and low <= AIR_HU < voxels.max()
    cut_out = None if with_air else whole_cut_out(voxels)
    if cut_out is not None:
        return _filled(whole_components(cut_out), (0, 1, 2))
    inside = whole_components(voxels > AIR_HU if with_air else np.abs(voxels - low) > DARK * (high - low))
    for plane in ((0, 1), (0, 2), (1, 2)):
        inside = _filled(inside, plane)
    return inside


def balls(rng, shape, where):
    axes = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    image = np.zeros(shape, dtype=np.float32)
    for centre, radius, value in where:
        image[sum((axis - at) ** 2 for axis, at in zip(axes, centre, strict=True)) < radius**2] = value
    return image


@pytest.mark.parametrize("shape", [(24, 30, 27), (1, 30, 27), (24, 2, 9)])
@pytest.mark.parametrize("kind", ["cut out", "noise", "CT"])
@pytest.mark.parametrize("seed", range(6))
def test_the_box_changes_nothing(shape, kind, seed):
    rng = np.random.default_rng(seed)
    middle = [rng.uniform(0, n) for n in shape]  # often beyond an edge
    small = [rng.uniform(0, n) for n in shape]
    image = balls(rng, shape, [(middle, 9, 700.0), (middle, 6, 0.0), (middle, 4, 900.0), (small, 2, 500.0)])
    if not image.any():
        image[0, 0, 0] = 700
    if kind == "noise":
        image = np.hypot(image + rng.normal(0, 20, shape), rng.normal(0, 20, shape)).astype(np.float32)
    if kind == "CT":
        image = (image + rng.normal(0, 20, shape) * (image > 0) - 1000).astype(np.float32)
    family = "CT" if kind == "CT" else "MRI"
    given = torch.from_numpy(image)
    np.testing.assert_array_equal(foreground(given, family).numpy(), whole_foreground(given, family))
    assert in_air(given, family).shape == given.shape
