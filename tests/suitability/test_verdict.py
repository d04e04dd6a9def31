"""Made heads: what fits passes, and each way not to fit is found under its name."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from anysyn.suitability import appearance_of, judge, profile_of
from anysyn.suitability.verdict import _contrast

EDGE = 4.0
SHAPE = (48, 56, 48)
BRIGHT = {"T1w": (0.55, 1.0, 0.15), "T2w": (0.6, 0.35, 1.0)}  # grey, white, fluid


def head(name, seed, scale=1.0, shell=0.0):
    """Return an egg that is narrow at the bottom, its cortex grey, its inside white, with fluid in the middle."""
    rng = np.random.default_rng(seed)
    size = scale * rng.normal(1, 0.02)
    axes = np.meshgrid(*((np.arange(n) - (n - 1) / 2) * EDGE for n in SHAPE), indexing="ij")
    x, y, z = (axis / (size * radius) for axis, radius in zip(axes, (68, 86, 70), strict=True))
    y = y + 0.25 * (z + 1)  # the face is in front at the bottom
    narrow = 1 - 0.35 * np.clip(-z, 0, 1)
    radius = np.sqrt((x / narrow) ** 2 + (y / narrow) ** 2 + z**2)
    grey, white, fluid = BRIGHT[name]
    image = np.select([radius < 0.25, radius < 0.75, radius < 1], [fluid, white, grey], 0.0)
    if shell:
        image = np.select([radius < 1, radius < 1.05, radius < 1.2], [image, 0.05, shell], 0.0)
    image = image * 800 * (1 + 0.02 * rng.standard_normal(SHAPE)) * rng.uniform(0.7, 1.4)
    return torch.from_numpy(image.clip(0)).float()


def seen(image, spacing=(EDGE,) * 3):
    return appearance_of(image, spacing)


@pytest.fixture(scope="module")
def profile():
    return profile_of({name: [seen(head(name, seed))] for name in BRIGHT} for seed in range(8))


def abouts(profile, name, appearance):
    verdict = judge(profile, {name: appearance})
    return verdict.level, {finding.about for finding in verdict.findings}


def test_unseen_heads_pass_but_for_one_doubt_in_six(profile):
    levels = [abouts(profile, name, seen(head(name, seed)))[0] for name in BRIGHT for seed in (100, 101, 102)]
    assert "refuse" not in levels
    assert levels.count("warn") <= 1


def test_another_contrast_is_named(profile):
    verdict = judge(profile, {"T1w": seen(head("T2w", 100))})
    assert verdict.level == "refuse"
    assert "hand it in as T2w" in str(verdict.findings[0])


@pytest.mark.parametrize(("own", "severity"), [(0.6, None), (0.9, 1), (1.5, 2)])
def test_another_contrast_is_refused_only_far_from_its_own(own, severity):
    profile = SimpleNamespace(contrast_distances=lambda _: {"T1w": own, "T2w": 0.4})
    answer = _contrast(profile, "T1w", None, "contrast")
    assert (answer and answer[0]) == severity


def test_a_head_upside_down_is_found(profile):
    assert "orientation" in abouts(profile, "T1w", seen(head("T1w", 100).flip(2)))[1]


def test_half_a_head_is_found(profile):
    whole = head("T1w", 100)
    for half in (whole[:24], whole[:, :, 24:]):
        level, found = abouts(profile, "T1w", seen(half))
        assert level == "refuse"
        assert found & {"coverage", "size"}


def test_a_shell_where_the_training_had_none_is_found(profile):
    level, found = abouts(profile, "T1w", seen(head("T1w", 100, shell=1.3)))
    assert level != "pass"
    assert found & {"size", "layers", "contrast"}


def test_another_size_and_voxels_too_coarse_are_found(profile):
    assert "size" in abouts(profile, "T1w", seen(head("T1w", 100, scale=0.6)))[1]
    coarse = head("T1w", 100)[:, :, ::4]
    assert "resolution" in abouts(profile, "T1w", seen(coarse, (EDGE, EDGE, 4 * EDGE)))[1]


def test_a_profile_of_few_warns_and_of_another_contrast_does_not_know(profile):
    few = profile_of({"T1w": [seen(head("T1w", seed))]} for seed in range(2))
    assert judge(few, {"T1w": seen(head("T1w", 100)[:24])}).level == "warn"
    assert "no training image of T2w" in str(list(judge(few, {"T2w": seen(head("T2w", 1))}).lines()))


def test_intensities_up_to_a_factor_are_the_same():
    image = head("T1w", 3)
    for group in ("size", "histogram", "layers", "texture"):
        np.testing.assert_allclose(seen(image).group(group), seen(37 * image).group(group), atol=1e-4)
