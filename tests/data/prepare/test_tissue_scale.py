from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from anysyn.data.errors import VolumeError
from anysyn.data.prepare import DeepMedian, WhiteStripe
from anysyn.data.prepare.measured_windows import deepest, highest_peak
from anysyn.data.volumes.study import Study


def head(*, skull: bool) -> torch.Tensor:
    """A brain of 100 with fluid of 400, alone or in a head with bright skin."""
    x, y, z = np.indices((60, 70, 60), dtype=float)
    radius = np.sqrt(((x - 30) / 22) ** 2 + ((y - 35) / 26) ** 2 + ((z - 30) / 22) ** 2)
    image = np.where(radius < 1, 100 + 10 * np.sin(x / 3), 0)
    image = np.where(radius < 0.25, 400, image)
    if skull:
        image = np.where((radius >= 1) & (radius < 1.1), 15, image)
        image = np.where((radius >= 1.1) & (radius < 1.25), 800, image)
    return torch.from_numpy(image.astype(np.float32))


def study(image: torch.Tensor, edges=(2.0, 2.0, 2.0)) -> Study:
    return Study("sub-01", "", {"T1w": image}, np.diag([*edges, 1]), image > 0)


@pytest.mark.parametrize("step", [DeepMedian(), WhiteStripe()])
def test_the_scale_is_linear_and_its_inverse_exact(step):
    given = study(head(skull=False))
    prepared, undo = step.forward(given)
    assert float(prepared.images["T1w"].min()) == 0
    assert torch.allclose(undo(prepared).images["T1w"], given.images["T1w"], atol=1e-3)
    twice, _ = step.forward(study(2.5 * head(skull=False)))
    assert torch.allclose(twice.images["T1w"], prepared.images["T1w"], atol=1e-5)  # whatever the scanner's gain


def test_the_depth_of_a_head_has_the_same_scale_with_and_without_its_skull():
    alone, whole = (DeepMedian().forward(study(head(skull=skull)))[0].windows["T1w"][1] for skull in (False, True))
    assert abs(alone / whole - 1) < 0.05
    assert abs(alone * 0.4 - 100) < 8


def test_depth_is_measured_in_mm():
    inside = np.zeros((9, 9, 9), dtype=bool)
    inside[1:8, 1:8, 1:8] = True
    edges = [1.0, 1.0, 4.0]
    depth = ndimage.distance_transform_edt(inside, sampling=edges)
    least = np.percentile(depth[inside], 70)
    assert np.array_equal(deepest(inside, edges, 0.3), inside & (depth >= least))


def test_a_single_slice_has_a_depth():
    image = torch.zeros(30, 30, 1)
    image[5:25, 5:25] = 50
    assert DeepMedian(value=0.5).forward(study(image))[0].windows["T1w"] == (0.0, 100.0)


def test_the_peak_is_that_of_most_voxels():
    draw = np.random.default_rng(0)
    voxels = np.concatenate([draw.normal(300, 10, 5000), draw.normal(500, 10, 9000), draw.normal(40, 5, 20000)])
    assert abs(highest_peak(voxels.astype(np.float32)) - 500) < 10  # fluid and air do not count


@pytest.mark.parametrize("keys", [{"share": 0}, {"share": 1.5}, {"value": 0}])
def test_keys_out_of_range_are_refused(keys):
    with pytest.raises(ValueError, match="deep_median"):
        DeepMedian(**keys)


def test_an_inside_without_any_signal_is_an_error_that_names_the_image():
    image = torch.zeros(40, 40, 40)
    image[5:35, 5:35, 5:35] = 90
    image[7:33, 7:33, 7:33] = 0  # a shell
    given = study(image)
    with pytest.raises(VolumeError, match="sub-01: T1w"):
        DeepMedian().forward(given)
