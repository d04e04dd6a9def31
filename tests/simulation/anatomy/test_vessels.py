"""Vessels: tissue is conserved, and they are what enhances outside of lesions."""

import numpy as np
import pytest

from anysyn.acquisition import Acquisition
from anysyn.simulation.acquire import mixed_signal
from anysyn.simulation.anatomy.anatomy import Anatomy, template
from anysyn.simulation.anatomy.vessels import APART_MM, FULLEST, RADIUS_MM, with_vessels
from anysyn.simulation.simulated_subject import SimulatedSubject, head_of

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


@pytest.mark.parametrize("spacing", [1.0, 2.0, 3.0, 4.0])
def test_as_much_blood_whatever_the_voxel_size(spacing):
    """Of fields of deviation s, exp(-(f^2 + g^2) / 2 w^2) averages w^2 / (s^2 + w^2); interpolated, s is 0.88."""
    grey = np.ones([round(96 / spacing)] * 3, dtype=np.float32)
    nothing = np.zeros_like(grey)
    block = Anatomy({"grey": grey, "fluid": nothing}, nothing, np.eye(4), {})
    drawn = [with_vessels(block, spacing, np.random.default_rng(seed)) for seed in range(3)]
    width = RADIUS_MM / (np.sqrt(2) * APART_MM)
    expected = FULLEST * width**2 / (0.88**2 + width**2)
    assert np.mean([anatomy.fractions["vein"] for anatomy in drawn]) == pytest.approx(expected, rel=0.1)


def test_the_length_of_zero_lines_is_as_the_formula_says():
    """Two smoothed white noises of width s: covariance exp(-r^2 / 4 s^2), so lines of lambda / pi = 1 / (2 pi s^2)."""
    assert 1 / (2 * np.pi * APART_MM**2) == pytest.approx(0.16 / APART_MM**2, rel=0.01)


def test_contrast_agent_shows_vessels_where_there_is_no_lesion():
    head = head_of(SimulatedSubject(0, 2, "C", 4.0))  # white-matter hyperintensities do not enhance
    plain, enhanced = (
        mixed_signal(head, Acquisition(modality=name, field_strength_t=3.0, **MPRAGE)) for name in ("T1w", "T1c")
    )
    gain = enhanced - plain
    veins = head.anatomy.fractions["vein"]
    tissue = head.anatomy.fractions["white"] > 0.9
    assert gain[veins > 0.1].mean() > 5 * abs(gain[tissue].mean())
