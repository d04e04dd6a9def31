"""The Fréchet distance against the square root of a matrix, and against torchmetrics."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from anysyn.evaluation.metrics.frechet import frechet_distance


@pytest.fixture
def sets():
    rng = np.random.default_rng(0)
    mix = rng.standard_normal((5, 5))
    return rng.standard_normal((60, 5)), 0.5 + rng.standard_normal((40, 5)) @ mix


def test_it_is_the_formula(sets):
    first, second = sets
    c1, c2 = (np.cov(one, rowvar=False) for one in sets)
    wanted = ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)
    assert frechet_distance(first, second) == pytest.approx(wanted, rel=1e-6)
    assert frechet_distance(first, first) == pytest.approx(0, abs=1e-6)


def test_it_is_torchmetrics(sets):
    fid = pytest.importorskip("torchmetrics.image.fid")

    class Features(torch.nn.Module):
        num_features = 5

        def forward(self, images):
            return images.flatten(1)[:, :5]

    measure = fid.FrechetInceptionDistance(feature=Features(), normalize=True, input_img_size=(1, 1, 5)).double()
    for one, real in zip(sets, (True, False), strict=True):
        measure.update(torch.as_tensor(one)[:, None, None], real=real)
    assert frechet_distance(*sets) == pytest.approx(float(measure.compute()), rel=1e-3)


def test_what_cannot_be_compared(sets):
    with pytest.raises(ValueError, match=r"shapes \(60, 5\) and \(40, 4\): give two sets"):
        frechet_distance(sets[0], sets[1][:, :4])
    with pytest.raises(ValueError, match="at least two rows"):
        frechet_distance(sets[0], sets[1][:1])
