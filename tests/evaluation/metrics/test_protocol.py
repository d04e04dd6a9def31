"""Protocols: presets, digests, normalisation, mistakes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from anysyn.errors import RecipeError
from anysyn.evaluation.metrics.protocol import Protocol, protocol
from anysyn.registry import names

PRESETS = ["anysyn", "brasyn", "omnisyn", "pmm", "slices", "synthrad", "tumsyn", "unisyn"]


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_goes_by_its_name(name):
    assert name in names("protocol")
    assert protocol(name).name == name
    assert name in protocol(name).describe()
    assert protocol(name).digest in protocol(name).describe()


def test_presets_have_different_digests():
    assert len({protocol(name).digest for name in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"unit": "slice", "dimensions": 2},
        {"dimensions": 2},
        {"axis": 0},
        {"mask": "whole"},
        {"percentiles": (0.0, 99.0)},
        {"percentiles": None},
        {"percentiles": None, "clip": (0.0, 1.0)},
        {"data_range": "max"},
        {"sigma": 2.0},
        {"window": 7},
        {"metrics": ("psnr",)},
    ],
)
def test_the_digest_changes_with_every_field(change):
    assert replace(protocol("anysyn"), **change).digest != protocol("anysyn").digest


def test_protocols_that_are_equal_share_a_digest():
    whole, real = Protocol(name="a", percentiles=(0, 99)), Protocol(name="a", percentiles=(0.0, 99.0))
    assert whole == real
    assert whole.digest == real.digest


def test_scaling_uses_the_percentiles_of_the_target_in_the_mask():
    generator = torch.Generator().manual_seed(0)
    truth, prediction = 5 * torch.rand(2, 8, 9, 10, generator=generator)
    mask = torch.rand(8, 9, 10, generator=generator) > 0.5
    p, t = protocol("anysyn").normalise(prediction, truth, mask)
    low, high = np.percentile(truth[mask].double().numpy(), [0, 99.5])
    np.testing.assert_allclose(t.numpy(), np.clip((truth.double().numpy() - low) / (high - low), 0, 1), atol=1e-12)
    np.testing.assert_allclose(p.numpy(), np.clip((prediction.double().numpy() - low) / (high - low), 0, 1), atol=1e-12)


def test_scaling_a_case_by_any_factor_changes_nothing():
    truth, prediction = torch.rand(2, 8, 9, 10)
    mask = truth > 0.2
    small = protocol("anysyn").normalise(prediction, truth, mask)
    large = protocol("anysyn").normalise(1000 * prediction, 1000 * truth, mask)
    torch.testing.assert_close(small, large, atol=1e-5, rtol=0)


def test_a_constant_target_is_an_error():
    with pytest.raises(ValueError, match="constant"):
        protocol("anysyn").normalise(torch.rand(4, 4, 4), torch.ones(4, 4, 4), torch.ones(4, 4, 4, dtype=torch.bool))


def test_clip_and_nothing():
    image = torch.tensor([-1.0, 0.5, 2.0])
    assert protocol("omnisyn").normalise(image, image, image > -2)[0].tolist() == [0.0, 0.5, 1.0]
    assert protocol("pmm").normalise(image, image, image > -2)[0].tolist() == [-1.0, 0.5, 2.0]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"unit": "slices"}, "did you mean 'slice'"),
        ({"mask": "foregrund"}, "did you mean 'foreground'"),
        ({"unit": "slice"}, "2 dimensions"),
        ({"percentiles": (0, 99), "clip": (0, 1)}, "not both"),
        ({"percentiles": (99, 1)}, "rise"),
        ({"clip": (1, 0)}, "rise"),
        ({"data_range": 0}, "positive"),
        ({"window": 10}, "odd"),
        ({"axis": 3}, "axis 3"),
        ({"metrics": ()}, "no metrics"),
        ({"limits": "target's"}, "did you mean 'target'"),
        ({"limits": "own"}, "limits are of percentiles"),
        ({"weights": "gausian"}, "did you mean 'gaussian'"),
        ({"outside": 0.0, "mask": "whole"}, "needs mask 'foreground'"),
        ({"metrics": ("ssm",)}, "did you mean 'ssim'"),
    ],
)
def test_mistakes_are_named(fields, message):
    with pytest.raises(RecipeError, match=message):
        Protocol(name="wrong", **fields)


def test_all_mistakes_are_told_together():
    with pytest.raises(RecipeError) as error:
        Protocol(name="wrong", window=10, sigma=-1)
    assert len(str(error.value).splitlines()) == 2


def test_an_unknown_name_is_an_error_with_the_nearest():
    with pytest.raises(RecipeError, match="did you mean 'omnisyn'"):
        protocol("omnisin")
