"""Vessels: tissue is conserved, and they are what enhances outside of lesions."""

import numpy as np
import pytest

from anysyn.acquisition import Acquisition
from anysyn.simulation.acquire import mixed_signal
from anysyn.simulation.anatomy import template
from anysyn.simulation.subject import Recipe, head_of
from anysyn.simulation.vessels import APART_MM, FULLEST, with_vessels

MPRAGE = {"repetition_time_ms": 2300.0, "echo_time_ms": 2.9, "inversion_time_ms": 900.0, "flip_angle_deg": 9.0}


@pytest.fixture(scope="module")
def anatomies():
    bare = template(3.0)
    return bare, with_vessels(bare, 3.0, np.random.default_rng(0))


def test_vessels_take_the_place_of_tissue(anatomies):
    bare, filled = (sum(anatomy.fractions.values()) for anatomy in anatomies)
    np.testing.assert_allclose(filled, bare, atol=1e-5)
    assert min(part.min() for part in anatomies[1].fractions.values()) >= -1e-6


def test_vessels_lie_in_cortex_and_sulci_and_are_thin(anatomies):
    bare, filled = anatomies
    veins = filled.fractions["vein"]
    where = bare.fractions["grey"] + bare.fractions["fluid"]
    assert veins.max() <= FULLEST + 1e-5
    assert not (veins > 1e-3)[where < 1e-3].any()
    assert 0.001 < veins.sum() / where.sum() < 0.05, "a few per cent of the cortex, as blood is"


def test_the_length_of_zero_lines_is_as_the_formula_says():
    """Two smoothed white noises of width s: covariance exp(-r^2 / 4 s^2), so lines of lambda / pi = 1 / (2 pi s^2)."""
    assert 1 / (2 * np.pi * APART_MM**2) == pytest.approx(0.16 / APART_MM**2, rel=0.01)


def test_contrast_agent_shows_vessels_where_there_is_no_lesion():
    head = head_of(Recipe(0, 2, "C", 4.0))  # white-matter hyperintensities do not enhance
    plain, enhanced = (
        mixed_signal(head, Acquisition(modality=name, field_strength_t=3.0, **MPRAGE)) for name in ("T1w", "T1c")
    )
    gain = enhanced - plain
    veins = head.anatomy.fractions["vein"]
    tissue = head.anatomy.fractions["white"] > 0.9
    assert gain[veins > 0.3].mean() > 5 * abs(gain[tissue].mean())
