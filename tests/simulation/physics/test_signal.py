"""The closed forms are compared with Bloch-type simulations that step through the sequences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anysyn.simulation.physics import signal


def relax(m, duration, t1, t2):
    """Let (transverse, longitudinal) magnetisation relax; spoiled sequences lose the transverse part."""
    return m[0] * np.exp(-duration / t2), 1 + (m[1] - 1) * np.exp(-duration / t1)


def test_spin_echo_agrees_with_stepping_through_the_pulses():
    t1, t2, tr, te = 900.0, 80.0, 600.0, 20.0
    mz = 1.0
    for _ in range(50):
        echo, mz = mz, 0.0  # excitation by 90 degrees
        echo, mz = relax((echo, mz), te / 2, t1, t2)
        mz = -mz  # refocusing by 180 degrees
        echo, mz = relax((echo, mz), te / 2, t1, t2)
        _, mz = relax((0, mz), tr - te, t1, t2)
    assert float(signal.spin_echo(0.8, t1, t2, tr=tr, te=te)) == pytest.approx(0.8 * echo, rel=1e-6)


def test_the_spoiled_gradient_echo_agrees_with_stepping_through_the_pulses():
    t1, t2star, tr, te, fa = 900.0, 50.0, 22.0, 4.6, np.radians(25)
    mz = 1.0
    for _ in range(2000):
        start = mz
        mz = 1 + (mz * np.cos(fa) - 1) * np.exp(-tr / t1)
    expected = start * np.sin(fa) * np.exp(-te / t2star)
    found = signal.spoiled_gradient_echo(1.0, t1, t2star, tr=tr, te=te, fa=25.0)
    assert float(found) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("t1", "ti", "fa"), [(887.0, 900.0, 9.0), (1296.0, 900.0, 9.0), (4300.0, 1100.0, 15.0)])
def test_the_mprage_agrees_with_stepping_through_its_cycle(t1, ti, fa):
    tr, half = 2300.0, signal.READOUT_COUNT // 2
    angle, mz = np.radians(fa), 1.0
    for _ in range(60):
        mz = 1 + (-mz - 1) * np.exp(-(ti - half * signal.READOUT_STEP_MS) / t1)
        for excitation in range(signal.READOUT_COUNT):
            if excitation == half:
                centre = mz
            mz = 1 + (mz * np.cos(angle) - 1) * np.exp(-signal.READOUT_STEP_MS / t1)
        mz = 1 + (mz - 1) * np.exp(-(tr - ti - half * signal.READOUT_STEP_MS) / t1)
    found = signal.mprage(1.0, t1, 50.0, tr=tr, te=3.0, ti=ti, fa=fa)
    assert float(found) == pytest.approx(abs(centre) * np.sin(angle) * np.exp(-3 / 50), rel=1e-6)


def test_an_mprage_whose_train_does_not_fit_is_an_error():
    with pytest.raises(ValueError, match="leave no room"):
        signal.mprage(1.0, 900.0, 50.0, tr=1200.0, te=3.0, ti=900.0, fa=9.0)


@given(st.floats(200, 4000), st.floats(1000, 12000))
def test_inversion_recovery_is_null_where_the_equation_says(t1, tr):
    ti = t1 * np.log(2 / (1 + np.exp(-tr / t1)))
    assert float(signal.inversion_recovery(1.0, t1, 100.0, tr=tr, te=0.0, ti=ti)) < 1e-9


@given(st.floats(0.1, 3.5), st.floats(100, 2000))
def test_the_adc_is_recovered_from_two_weightings(adc, b):
    ratio = 1.0 / float(signal.diffusion_weighted(1.0, adc, b))
    assert np.log(ratio) / b * 1e3 == pytest.approx(adc)


def test_gadolinium_adds_rates():
    t1, t2 = signal.with_gadolinium(1300.0, 100.0, 0.5, r1=5.0, r2=6.1)
    assert 1000 / float(t1) - 1000 / 1300 == pytest.approx(5.0 * 0.5)
    assert 1000 / float(t2) - 1000 / 100 == pytest.approx(6.1 * 0.5)


def test_rician_noise_has_the_moments_of_its_distribution():
    noisy = signal.rician(np.full(200_000, 3.0), 1.0, np.random.default_rng(0))
    assert np.mean(noisy**2) == pytest.approx(3.0**2 + 2, rel=0.01)
