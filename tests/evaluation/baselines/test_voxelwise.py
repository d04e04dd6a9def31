"""Baselines on data where the answer is known."""

from collections import Counter

import numpy as np
import pytest
import torch

from anysyn.data.volumes.study import Study
from anysyn.evaluation.baselines.voxelwise import (
    IntensityRegression,
    SourceCopy,
    Voxels,
    choose_subjects,
    draw_voxels,
    stack,
)
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.pairs import Pair

NAMES = ("T1w", "T2w", "FLAIR")
ONE = Pair(("T1w",), "FLAIR")
TWO = Pair(("T1w", "T2w"), "FLAIR")


def study(seed=0, names=NAMES, shape=(12, 12, 12)):
    """T2w is nearly FLAIR; FLAIR is a monotone function of T1w."""
    generator = torch.Generator().manual_seed(seed)
    t1 = torch.rand(shape, generator=generator)
    flair = (1 - t1) ** 2
    images = {"T1w": t1, "FLAIR": flair, "T2w": flair + 0.05 * torch.randn(shape, generator=generator)}
    foreground = torch.zeros(shape, dtype=torch.bool)
    foreground[2:-2, 2:-2, 2:-2] = True
    images = {name: images[name] * foreground for name in names}
    return Study(f"sub-{seed}", "made", images, np.eye(4), foreground)


@pytest.fixture
def voxels():
    generator = np.random.default_rng(0)
    return stack(draw_voxels(study(seed), NAMES, 400, generator) for seed in range(4))


def test_voxels_come_from_the_foreground_without_replacement():
    one = study()
    drawn = draw_voxels(one, NAMES, 10_000, np.random.default_rng(0)).values
    inside = torch.stack([one.images[name][one.foreground] for name in NAMES], 1).numpy()
    np.testing.assert_array_equal(np.sort(drawn, axis=0), np.sort(inside, axis=0))
    assert len(draw_voxels(one, NAMES, 50, np.random.default_rng(0)).values) == 50


def test_the_draw_is_that_of_the_generator():
    first, second, other = (draw_voxels(study(), NAMES, 50, np.random.default_rng(s)).values for s in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_absent_contrasts_are_left_out_of_a_pair():
    generator = np.random.default_rng(0)
    parts = [draw_voxels(study(0), NAMES, 30, generator), draw_voxels(study(1, ("T1w",)), NAMES, 50, generator)]
    sources, target = stack(parts).of(TWO)
    assert sources.shape == (30, 2)
    assert not np.isnan(target).any()


def test_a_subject_without_foreground_is_an_error():
    empty = study()
    with pytest.raises(EvaluationError, match="sub-0: the foreground is empty"):
        draw_voxels(Study("sub-0", "", empty.images, np.eye(4), empty.foreground & False), NAMES, 5, None)


def test_copy_picks_the_closest_source(voxels):
    one = study(9)
    assert SourceCopy(TWO, voxels).source == "T2w"
    torch.testing.assert_close(SourceCopy(TWO, voxels).predict(one), one.images["T2w"])
    torch.testing.assert_close(SourceCopy(ONE, voxels).predict(one), one.images["T1w"])


def test_regression_recovers_a_monotone_map(voxels):
    one = study(9)
    predicted = IntensityRegression(ONE, voxels).predict(one)
    error = (predicted - one.images["FLAIR"])[one.foreground]
    assert error.square().mean().sqrt() < 0.02
    assert predicted.dtype == torch.float32
    assert not predicted[~one.foreground].any()


def test_regression_uses_every_source():
    generator = np.random.default_rng(0)
    a, b = generator.random((2, 4000), dtype=np.float32)
    fitted = IntensityRegression(TWO, Voxels(np.stack([a, b, np.where(b > 0.5, a, 1 - a)], 1), NAMES))
    asked = np.array([[0.2, 0.9], [0.2, 0.1]], dtype=np.float32)
    np.testing.assert_allclose(fitted.intensities(asked), [0.2, 0.8], atol=0.05)


def test_regression_does_not_read_the_target(voxels):
    one, blind = study(9), study(9, ("T1w",))
    fitted = IntensityRegression(ONE, voxels)
    torch.testing.assert_close(fitted.predict(one), fitted.predict(blind))


def test_regression_is_repeatable(voxels):
    one = study(9)
    assert torch.equal(IntensityRegression(TWO, voxels).predict(one), IntensityRegression(TWO, voxels).predict(one))


def test_air_outside_the_foreground_is_that_of_the_target():
    shape = (8, 8, 8)
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(shape, generator=generator)
    inside = torch.zeros(shape, dtype=torch.bool)
    inside[2:6] = True
    windows = {"CT": (-500.0, 500.0)}  # so that air, -1000 HU, lies at -0.5
    one = Study("a", "", {"T1w": image, "CT": image}, np.eye(4), inside, windows=windows)
    voxels = draw_voxels(one, ("T1w", "CT"), 100, np.random.default_rng(0))
    assert set(IntensityRegression(Pair(("T1w",), "CT"), voxels).predict(one)[~inside].tolist()) == {-0.5}


def test_no_training_subject_with_the_pair_is_an_error():
    voxels = draw_voxels(study(0, ("T1w", "T2w")), NAMES, 30, np.random.default_rng(0))
    for kind in (SourceCopy, IntensityRegression):
        with pytest.raises(EvaluationError, match="no training subject has T1w and T2w and FLAIR together"):
            kind(TWO, voxels)
    assert SourceCopy(ONE, voxels).source == "T1w"


def test_enough_subjects_are_chosen_for_a_rare_pair_too():
    cohort = [(f"common{i}", ["T1w", "FLAIR"]) for i in range(50)] + [(f"rare{i}", NAMES) for i in range(3)]
    chosen = choose_subjects(cohort, [ONE, TWO], 5, np.random.default_rng(0))
    assert len(chosen) == len(set(chosen)) <= 8
    counts = Counter(name.rstrip("0123456789") for name in chosen)
    assert counts["rare"] == 3
    assert sum(counts.values()) >= 5
