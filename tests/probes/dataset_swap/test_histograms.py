"""Histograms and their distance, against computations of their own."""

import numpy as np
import pytest

from anysyn.probes.dataset_swap.histograms import BINS, WIDTH, count_intensities, pool, resample_curves, wasserstein


@pytest.fixture
def drawn():
    rng = np.random.default_rng(0)
    return rng.gamma(2.0, 0.2, 4000), np.clip(rng.normal(0.6, 0.2, 4000), -0.1, None)


def test_the_distance_of_as_many_voxels_is_that_of_the_sorted_intensities(drawn):
    first, second = drawn
    exact = np.abs(np.sort(first) - np.sort(second)).mean()
    assert wasserstein(count_intensities(first), count_intensities(second)) == pytest.approx(exact, abs=WIDTH)


def test_the_distance_of_other_numbers_is_the_area_between_the_cumulative_distributions(drawn):
    first, second = drawn[0], drawn[1][:1234]
    at = np.arange(-1, 5, 1e-4)
    shares = [np.searchsorted(np.sort(values), at, side="right") / len(values) for values in (first, second)]
    area = np.abs(shares[0] - shares[1]).sum() * 1e-4
    assert wasserstein(count_intensities(first), count_intensities(second)) == pytest.approx(area, abs=2 * WIDTH)


def test_a_shift_is_the_distance_and_no_change_is_none(drawn):
    one = count_intensities(drawn[0])
    assert wasserstein(one, one) == 0
    assert wasserstein(one, count_intensities(drawn[0] + 100 * WIDTH)) == pytest.approx(100 * WIDTH)


def test_pooled_is_the_histogram_of_all_voxels(drawn):
    first, second = drawn
    found, whole = pool([count_intensities(first), count_intensities(second)]), count_intensities(np.concatenate(drawn))
    assert np.array_equal(found.bins, whole.bins)
    assert np.array_equal(found.counts, whole.counts)
    assert found.counts.sum() == len(first) + len(second)
    assert whole.quantile(0.3) == pytest.approx(np.quantile(np.concatenate(drawn), 0.3), abs=5 * WIDTH)


def test_what_has_no_histogram_is_refused():
    for values in ([], [0.5, float("nan")], [float("inf")]):
        with pytest.raises(ValueError, match="has no histogram"):
            count_intensities(values)


def test_curves_hold_nearly_all_voxels_on_common_places(drawn):
    histograms = {"a": count_intensities(drawn[0]), "b": count_intensities(drawn[1])}
    keys, intensities, densities = zip(*resample_curves(histograms), strict=True)
    assert keys == ("a",) * BINS + ("b",) * BINS
    assert intensities[:BINS] == intensities[BINS:]
    step = intensities[1] - intensities[0]
    for part in (densities[:BINS], densities[BINS:]):
        assert sum(part) * step == pytest.approx(1, abs=0.01)
    assert len(list(resample_curves({"flat": count_intensities([0.5, 0.5])}))) == BINS
