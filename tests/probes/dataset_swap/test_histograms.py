"""Histograms and their distance, against computations of their own."""

import numpy as np
import pytest

from anysyn.probes.dataset_swap.histograms import BINS, WIDTH, curves, histogram, pooled, wasserstein


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    return rng.gamma(2.0, 0.2, 4000), np.clip(rng.normal(0.6, 0.2, 4000), -0.1, None)


def test_the_distance_of_as_many_voxels_is_that_of_the_sorted_intensities(drawn):
    first, second = drawn
    exact = np.abs(np.sort(first) - np.sort(second)).mean()
    assert wasserstein(histogram(first), histogram(second)) == pytest.approx(exact, abs=WIDTH)


def test_the_distance_of_other_numbers_is_the_area_between_the_cumulative_distributions(drawn):
    first, second = drawn[0], drawn[1][:1234]
    at = np.arange(-1, 5, 1e-4)
    shares = [np.searchsorted(np.sort(values), at, side="right") / len(values) for values in (first, second)]
    area = np.abs(shares[0] - shares[1]).sum() * 1e-4
    assert wasserstein(histogram(first), histogram(second)) == pytest.approx(area, abs=2 * WIDTH)


def test_a_shift_is_the_distance_and_no_change_is_none(drawn):
    one = histogram(drawn[0])
    assert wasserstein(one, one) == 0
    assert wasserstein(one, histogram(drawn[0] + 100 * WIDTH)) == pytest.approx(100 * WIDTH)


def test_pooled_is_the_histogram_of_all_voxels(drawn):
    first, second = drawn
    found, whole = pooled([histogram(first), histogram(second)]), histogram(np.concatenate(drawn))
    assert np.array_equal(found.bins, whole.bins)
    assert np.array_equal(found.counts, whole.counts)
    assert found.counts.sum() == len(first) + len(second)
    assert whole.quantile(0.3) == pytest.approx(np.quantile(np.concatenate(drawn), 0.3), abs=5 * WIDTH)


def test_what_has_no_histogram_is_refused():
    for values in ([], [0.5, float("nan")], [float("inf")]):
        with pytest.raises(ValueError, match="has no histogram"):
            histogram(values)


def test_curves_hold_nearly_all_voxels_on_common_places(drawn):
    points = list(curves({("a",): histogram(drawn[0]), ("b",): histogram(drawn[1])}))
    first, second = points[:BINS], points[BINS:]
    assert [point["intensity"] for point in first] == [point["intensity"] for point in second]
    step = first[1]["intensity"] - first[0]["intensity"]
    for part in (first, second):
        assert sum(point["density"] for point in part) * step == pytest.approx(1, abs=0.01)
    assert len(list(curves({("flat",): histogram([0.5, 0.5])}))) == BINS
