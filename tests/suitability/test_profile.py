"""Limits are prediction intervals, spreads are wide where a contrast varies, profiles of earlier versions are read."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.distance import mahalanobis

from anysyn.suitability.appearance import appearance_of, resampled
from anysyn.suitability.profile import RARE, Group, Profile, Spread, _limit, profile_of


def test_one_in_a_hundred_images_of_the_same_kind_is_beyond_the_limit():
    draw = np.random.default_rng(0)
    beyond = [draw.lognormal(0.3, 0.4) > _limit(draw.lognormal(0.3, 0.4, 24)) for _ in range(6000)]
    assert np.mean(beyond) == pytest.approx(RARE, abs=0.004)


def test_limit_is_the_end_of_the_students_prediction_interval():
    distances = [0.8, 1.0, 1.3, 0.9]
    logarithms = np.log(distances)
    expected = stats.t(3, logarithms.mean(), logarithms.std(ddof=1) * np.sqrt(1.25)).ppf(1 - RARE)
    assert _limit(distances) == pytest.approx(np.exp(expected))
    assert _limit(distances[:2]) == 0


def test_distance_of_a_spread_is_scipys_over_the_root_of_the_numbers():
    draw = np.random.default_rng(0)
    root, mean, values = draw.standard_normal((4, 4)), draw.standard_normal(4), draw.standard_normal(4)
    covariance = root @ root.T + np.eye(4)
    expected = mahalanobis(values, mean, np.linalg.inv(covariance)) / 2
    assert Spread(mean, covariance).distance(values) == pytest.approx(expected)


def test_a_contrast_that_varies_more_is_given_more_room():
    generator = torch.Generator().manual_seed(0)
    steady = [_seen(torch.rand(16, 16, 16, generator=generator) + 9) for _ in range(6)]
    varied = [_seen((torch.rand(16, 16, 16, generator=generator) + 0.1) ** n) for n in range(1, 7)]
    profile = profile_of({"T1w": [a], "T1c": [b]} for a, b in zip(steady, varied, strict=True))
    size = {name: np.trace(np.asarray(spread.covariance)) for name, spread in profile.spreads.items()}
    assert size["T1c"] > 1.5 * size["T1w"]


def test_what_resampling_leaves_widens_the_spread_and_no_other_statistic():
    generator = torch.Generator().manual_seed(0)
    images = [torch.rand(16, 16, 16, generator=generator) + 0.5 for _ in range(4)]
    alone = profile_of({"T1w": [_seen(image)]} for image in images)
    both = profile_of({"T1w": [_seen(image), _seen(resampled(image))]} for image in images)
    assert both.groups == alone.groups
    assert np.trace(both.spreads["T1w"].covariance) > 2 * np.trace(alone.spreads["T1w"].covariance)


def _seen(image):
    return appearance_of(image, (4.0, 4.0, 4.0))


def test_profile_of_an_earlier_version_has_no_limit_and_one_covariance():
    group = {"mean": [1.0], "sd": [0.5], "low": [1.0], "high": [1.0], "seen": 0.2}
    names = ("size", "ends", "outline", "silhouette", "layers", "histogram", "texture", "voxel")
    covariance = [[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 1.0]]
    tree = {"contrasts": {"T1w": {"images": 1, **dict.fromkeys(names, group)}}, "covariance": covariance}
    profile = Profile.from_json(tree)
    assert profile.groups["T1w"]["layers"] == Group([1.0], [0.5], [1.0], [1.0], 0.2, 0.0)
    assert profile.spreads["T1w"] == Spread([1.0, 1.0, 1.0], covariance)
