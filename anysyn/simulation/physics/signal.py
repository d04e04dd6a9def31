"""The signal equations: tissue parameters and an acquisition to the intensity of a pure tissue.

Every function takes numbers or arrays that broadcast: proton density ``pd``, 1 for water; times in ms, which are the
relaxation times ``t1``, ``t2`` and ``t2star``, the repetition time ``tr`` (of an MPRAGE, its cycle's length), the echo
time ``te`` and the inversion time ``ti``; the flip angle ``fa``, a in the equations, in degrees.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anysyn.errors import UserError

Map = NDArray[np.floating[Any]]

READOUT_STEP_MS = 7.0  # between two excitations of an MPRAGE's train
READOUT_COUNT = 160  # excitations of the train


def spin_echo(pd: ArrayLike, t1: ArrayLike, t2: ArrayLike, *, tr: float, te: float) -> Map:
    """Return the signal of a spin echo.

    ``S = PD (1 - 2 exp(-(TR - TE/2) / T1) + exp(-TR / T1)) exp(-TE / T2)``: excitation by 90 and refocusing by 180
    degrees (Bernstein, King and Zhou, Handbook of MRI Pulse Sequences, 2004, ch. 14.3).

    Example:
        >>> round(float(spin_echo(1.0, 1000.0, 100.0, tr=1e6, te=100.0)), 4)  # full recovery: exp(-1)
        0.3679
    """
    t1, t2 = np.asarray(t1), np.asarray(t2)
    recovered = 1 - 2 * np.exp(-(tr - te / 2) / t1) + np.exp(-tr / t1)
    return np.asarray(pd * recovered * np.exp(-te / t2))


def spoiled_gradient_echo(pd: ArrayLike, t1: ArrayLike, t2star: ArrayLike, *, tr: float, te: float, fa: float) -> Map:
    """Return the steady state of a spoiled gradient echo.

    ``S = PD sin(a) (1 - E1) / (1 - cos(a) E1) exp(-TE / T2*)`` with ``E1 = exp(-TR / T1)`` (the Ernst formula).

    Example:
        >>> round(float(spoiled_gradient_echo(1.0, 1000.0, 50.0, tr=1e6, te=0.0, fa=90.0)), 4)
        1.0
    """
    e1, angle = np.exp(-tr / np.asarray(t1)), np.radians(fa)
    steady = np.sin(angle) * (1 - e1) / (1 - np.cos(angle) * e1)
    return np.asarray(pd * steady * np.exp(-te / np.asarray(t2star)))


def inversion_recovery(pd: ArrayLike, t1: ArrayLike, t2: ArrayLike, *, tr: float, te: float, ti: float) -> Map:
    """Return the magnitude of an inversion-recovery spin echo; FLAIR is the one that nulls fluid.

    ``S = PD |1 - 2 exp(-TI / T1) + exp(-TR / T1)| exp(-TE / T2)`` (Hajnal et al., J Comput Assist Tomogr 1992).

    Example:
        >>> float(inversion_recovery(1.0, 1000.0, 100.0, tr=1e9, te=0.0, ti=1000.0 * np.log(2))) < 1e-9  # the null
        True
    """
    t1 = np.asarray(t1)
    recovered = 1 - 2 * np.exp(-ti / t1) + np.exp(-tr / t1)
    return np.asarray(pd * np.abs(recovered) * np.exp(-te / np.asarray(t2)))


def null_time(t1: float, *, tr: float) -> float:
    """Return the inversion time that nulls a tissue: ``T1 ln(2 / (1 + exp(-TR / T1)))``.

    Example:
        >>> null = null_time(4300.0, tr=9000.0)
        >>> float(inversion_recovery(1.0, 4300.0, 2000.0, tr=9000.0, te=90.0, ti=null)) < 1e-9
        True
    """
    return float(t1 * np.log(2 / (1 + np.exp(-tr / t1))))


def mprage(pd: ArrayLike, t1: ArrayLike, t2star: ArrayLike, *, tr: float, te: float, ti: float, fa: float) -> Map:
    """Return the magnitude of an MPRAGE at the centre of its train of excitations.

    In a cycle of length TR the magnetisation is inverted, recovers, is driven by `READOUT_COUNT` excitations of flip
    angle a towards the steady state of the spoiled gradient echo, and recovers again. Each part is affine in Mz, so the
    cycle's steady state is the fixed point of one affine map (Deichmann et al., NeuroImage 2000). TI counts from the
    inversion to the centre of the train.

    Raises:
        UserError: If the train does not fit between the inversion and the end of the cycle.

    Example:
        >>> white, grey = (float(mprage(pd, t1, 50.0, tr=2300.0, te=3.0, ti=900.0, fa=9.0))
        ...                for pd, t1 in ((0.7, 890.0), (0.82, 1300.0)))
        >>> white > grey
        True
    """
    t1, half = np.asarray(t1, dtype=np.float64), READOUT_COUNT // 2
    before, after = ti - half * READOUT_STEP_MS, tr - ti - (READOUT_COUNT - half) * READOUT_STEP_MS
    if before < 0 or after < 0:
        train = READOUT_COUNT * READOUT_STEP_MS
        raise UserError(
            f"MPRAGE: TI {ti:g} ms and TR {tr:g} ms leave no room for a train of {train:g} ms round TI; "
            f"choose TI from {half * READOUT_STEP_MS:g} ms and TR from TI + {train - half * READOUT_STEP_MS:g} ms"
        )
    first, rest = _train(t1, fa, half), _train(t1, fa, READOUT_COUNT - half)
    to_centre = _then(_then((-1.0, 0.0), _recovery(t1, before)), first)
    cycle = _then(_then(to_centre, rest), _recovery(t1, after))
    start = cycle[1] / (1 - cycle[0])
    centre = to_centre[0] * start + to_centre[1]
    return np.asarray(pd * np.abs(centre) * np.sin(np.radians(fa)) * np.exp(-te / np.asarray(t2star)))


Affine = tuple[ArrayLike, ArrayLike]  # Mz -> scale Mz + offset


def _then(first: Affine, second: Affine) -> tuple[Map, Map]:
    scale = np.asarray(second[0]) * np.asarray(first[0])
    return scale, np.asarray(second[0]) * np.asarray(first[1]) + np.asarray(second[1])


def _recovery(t1: Map, duration: float) -> Affine:
    left = np.exp(-duration / t1)
    return left, 1 - left


def _train(t1: Map, fa: float, count: int) -> Affine:
    left, cosine = np.exp(-READOUT_STEP_MS / t1), np.cos(np.radians(fa))
    steady = (1 - left) / (1 - cosine * left)  # of Mz before an excitation
    scale = (cosine * left) ** count
    return scale, steady * (1 - scale)


def with_gadolinium(t1: ArrayLike, t2: ArrayLike, concentration: ArrayLike, *, r1: float, r2: float) -> tuple[Map, Map]:
    """Return T1 and T2 in the presence of gadolinium: ``1/T = 1/T0 + r C``.

    Args:
        t1: Without it.
        t2: Without it.
        concentration: In mM.
        r1: Longitudinal relaxivity per mM and s.
        r2: Transverse relaxivity per mM and s.

    Example:
        >>> round(float(with_gadolinium(1000.0, 100.0, 0.2, r1=5.0, r2=6.1)[0]))
        500
    """
    c = np.asarray(concentration) / 1000.0  # per mM and ms
    return 1 / (1 / np.asarray(t1) + r1 * c), 1 / (1 / np.asarray(t2) + r2 * c)


def diffusion_weighted(signal: ArrayLike, adc: ArrayLike, b: float) -> Map:
    """Attenuate a signal by diffusion: ``S = S0 exp(-b ADC)`` (Stejskal and Tanner, 1965).

    Args:
        signal: S0.
        adc: In 1e-3 mm^2/s.
        b: In s/mm^2.

    Example:
        >>> round(float(diffusion_weighted(1.0, 1.0, 1000.0)), 4)
        0.3679
    """
    return np.asarray(signal * np.exp(-b * 1e-3 * np.asarray(adc)))


def rician(image: Map, sigma: float, generator: np.random.Generator) -> Map:
    """Take the magnitude of an image with complex Gaussian noise (Gudbjartsson and Patz, MRM 1995).

    Args:
        image: Noise-free magnitude.
        sigma: Standard deviation of the noise in each of the two channels.
        generator: Draws the noise.

    Example:
        >>> zero = rician(np.zeros(100_000), 1.0, np.random.default_rng(0))
        >>> bool(abs(zero.mean() - np.sqrt(np.pi / 2)) < 0.01)  # the Rayleigh mean
        True
    """
    real, imaginary = (generator.standard_normal(image.shape, dtype=np.float32) * sigma for _ in range(2))
    return np.asarray(np.hypot(image + real, imaginary))
