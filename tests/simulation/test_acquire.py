"""Which sequence an acquisition means, on the tissues of a made head."""

import numpy as np
import pytest

from anysyn.acquisition import Acquisition
from anysyn.simulation.acquire import mixed_signal
from anysyn.simulation.physics.signal import null_time
from anysyn.simulation.physics.tissues import tissue
from anysyn.simulation.simulated_subject import SimulatedSubject, head_of


@pytest.fixture(scope="module")
def head():
    return head_of(SimulatedSubject(0, 2, "G", 4.0))


def signal_of(head, **numbers):
    return mixed_signal(head, Acquisition(modality="T1w", field_strength_t=3.0, **numbers))


def mean_in(head, image, name):
    return image[head.anatomy.fractions[name] > 0.95].mean()


def test_a_t1w_with_an_inversion_and_no_small_flip_angle_is_a_spin_echo(head):
    tr = 2000.0
    timing = {"repetition_time_ms": tr, "echo_time_ms": 20.0}
    timing["inversion_time_ms"] = null_time(tissue("fluid", 3.0).t1, tr=tr)
    spin_echo = signal_of(head, **timing)
    np.testing.assert_array_equal(signal_of(head, **timing, flip_angle_deg=90.0), spin_echo)
    fluid, white = (mean_in(head, spin_echo, name) for name in ("fluid", "white"))
    assert fluid < 0.1 * white, "the inversion time nulls fluid"
    assert white == pytest.approx(expected_white(**timing), rel=0.05)  # its texture averages out


def expected_white(repetition_time_ms, echo_time_ms, inversion_time_ms):
    """Hajnal et al., 1992, of white matter's mean properties."""
    white = tissue("white", 3.0)
    recovered = 1 - 2 * np.exp(-inversion_time_ms / white.t1) + np.exp(-repetition_time_ms / white.t1)
    return white.pd * abs(recovered) * np.exp(-echo_time_ms / white.t2)


def test_a_small_flip_angle_means_an_mprage_whose_fluid_is_not_nulled_there(head):
    timing = {"repetition_time_ms": 2000.0, "echo_time_ms": 3.0, "inversion_time_ms": 885.0}
    mprage, spin_echo = signal_of(head, **timing, flip_angle_deg=9.0), signal_of(head, **timing)
    assert mprage.max() < 0.5 * spin_echo.max(), "each of its excitations tips by 9 degrees, not by 90"
