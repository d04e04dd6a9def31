"""Metrics of images in memory: numpy, torch, MONAI, nibabel or SimpleITK in, plain numbers out.

They are those of an evaluation (`anysyn.evaluation`), which reads files and knows units, windows and foregrounds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from anysyn.arrays.kinds import kind_of
from anysyn.bounds import Positive, within_bounds
from anysyn.data.geometry.grid import Grid, same_grid
from anysyn.errors import UserError
from anysyn.evaluation.metrics import metrics as formulas
from anysyn.evaluation.metrics import presets as presets  # registers the protocols
from anysyn.evaluation.metrics import ssim as similarity
from anysyn.evaluation.metrics.measure import measure
from anysyn.evaluation.metrics.protocol import Protocol
from anysyn.evaluation.metrics.protocol import protocol as protocol_named

__all__ = ["best_factor", "compare", "mae", "mse", "nmse", "psnr", "ssim"]


class Compared(NamedTuple):
    """Two images of one shape, (*S), and where they are compared, bool, or None."""

    prediction: Tensor
    truth: Tensor
    mask: Tensor | None

    def span(self, data_range: float | None) -> float:
        """Return the span of the intensities: by default that of the truth where it is compared.

        Raises:
            UserError: If the truth is constant there.
        """
        if data_range is not None:
            return data_range
        voxels = self.truth if self.mask is None else self.truth[self.mask]
        low, high = voxels.double().aminmax()
        if not low < high:
            raise UserError("data_range: the truth is constant where it is compared, so it has no span; give one")
        return float(high - low)


@within_bounds
def psnr(prediction: Any, truth: Any, *, mask: Any = None, data_range: Positive | None = None) -> float:
    """Return the peak signal-to-noise ratio in dB, inside the mask if there is one; infinite for identical images.

    Args:
        prediction: An image: an array, a tensor, or one of nibabel, SimpleITK or MONAI.
        truth: An image of the same shape; if both say where they lie, at the same place.
        mask: Where they are compared: true or not zero; the whole image by default.
        data_range: L, the span of the intensities; by default that of the truth where it is compared, its highest minus
            its lowest.

    Raises:
        UserError: If shapes or places differ, an image is not finite, or the mask is empty.

    Example:
        >>> truth = np.array([[[0.0, 10.0]]])
        >>> psnr(truth + 1, truth), psnr(truth + 1, truth, data_range=100.0)
        (20.0, 40.0)
    """
    pair = _compared(prediction, truth, mask)
    value = formulas.psnr(pair.prediction, pair.truth, data_range=pair.span(data_range), mask=pair.mask)
    return float(value)


@within_bounds
def ssim(prediction: Any, truth: Any, *, mask: Any = None, data_range: Positive | None = None) -> float:
    """Return the structural similarity, at most 1: Gaussian window, sigma 1.5, 11 voxels along all axes.

    Arguments and errors are those of `psnr`; with a mask, the map is averaged inside it.

    Example:
        >>> image = np.random.default_rng(0).random((12, 12, 12))
        >>> ssim(image, image)
        1.0
    """
    pair = _compared(prediction, truth, mask)
    try:
        value = similarity.ssim(pair.prediction, pair.truth, data_range=pair.span(data_range), mask=pair.mask)
    except ValueError as error:
        raise UserError(f"ssim: {error}") from error
    return float(value)


def mae(prediction: Any, truth: Any, *, mask: Any = None) -> float:
    """Return the mean absolute error; arguments and errors are those of `psnr`.

    Example:
        >>> mae(np.array([[[1.0, 3.0]]]), np.array([[[1.0, 1.0]]]))
        1.0
    """
    return float(formulas.mae(*_compared(prediction, truth, mask)))


def mse(prediction: Any, truth: Any, *, mask: Any = None) -> float:
    """Return the mean squared error; arguments and errors are those of `psnr`.

    Example:
        >>> mse(np.array([[[1.0, 3.0]]]), np.array([[[1.0, 1.0]]]))
        2.0
    """
    return float(formulas.mse(*_compared(prediction, truth, mask)))


def nmse(prediction: Any, truth: Any, *, mask: Any = None) -> float:
    """Return the energy of the error over that of the truth; arguments and errors are those of `psnr`.

    Example:
        >>> nmse(np.array([[[1.0, 4.0]]]), np.array([[[1.0, 2.0]]]))
        0.8
    """
    return float(formulas.nmse(*_compared(prediction, truth, mask)))


def best_factor(prediction: Any, truth: Any, *, mask: Any = None) -> float:
    """Return the factor that brings a prediction nearest to the truth, ``<p, t> / <p, p>``; MRI has no unit.

    Arguments and errors are those of `psnr`. The factor of a prediction that is 0 everywhere is 1.

    Example:
        >>> best_factor(np.array([[[1.0, 2.0]]]), np.array([[[3.0, 6.0]]]))
        3.0
    """
    return float(formulas.best_factor(*_compared(prediction, truth, mask)))


def compare(
    prediction: Any, truth: Any, *, mask: Any = None, protocol: str | Protocol = "anysyn", lesion: Any = None
) -> dict[str, float]:
    """Return all metrics of a protocol, as an evaluation computes them of one case.

    A protocol that clips to fixed intensities, such as ``omnisyn``, is about images as they were prepared, from 0 to 1;
    ``anysyn`` takes the target's own percentiles and so suits any scale, and ``psnr_scaled`` among its columns allows a
    factor. `anysyn list protocols` describes each.

    Args:
        prediction: As for `psnr`, (X, Y, Z).
        truth: As for `psnr`.
        mask: The foreground; the whole image by default.
        protocol: Its name, or one of your own.
        lesion: Where the lesion is, for a protocol with metrics of lesions.

    Raises:
        UserError: As `psnr`, or if the protocol cannot compare these images.

    Example:
        >>> truth = np.random.default_rng(0).random((12, 12, 12))
        >>> round(compare(truth + 0.1, truth, protocol="tumsyn")["ssim"], 2) < 1
        True
    """
    chosen, pair = protocol_named(protocol), _compared(prediction, truth, mask)
    if pair.truth.ndim != 3:
        raise UserError(f"a protocol compares volumes (X, Y, Z), not the shape {tuple(pair.truth.shape)}")
    where = torch.ones_like(pair.truth, dtype=torch.bool) if pair.mask is None else pair.mask
    part = None if lesion is None else _mask(lesion, pair.truth, "lesion")
    try:
        return measure(pair.prediction, pair.truth, where, chosen, lesion=part)
    except ValueError as error:
        raise UserError(f"protocol {chosen.name!r}: {error}") from error


def _compared(prediction: Any, truth: Any, mask: Any) -> Compared:
    (p, here), (t, there) = _image(prediction, "prediction"), _image(truth, "truth")
    if p.shape != t.shape:
        raise UserError(f"prediction {tuple(p.shape)} and truth {tuple(t.shape)} differ in shape; resample one of them")
    if here is not None and there is not None and not same_grid(here, there):
        raise UserError(f"prediction ({here}) and truth ({there}) lie at different places; resample one of them")
    for name, image in (("prediction", p), ("truth", t)):
        if not image.isfinite().all():
            raise UserError(f"{name}: holds voxels that are not finite; set them to the background")
    return Compared(p, t, None if mask is None else _mask(mask, t, "mask"))


def _mask(mask: Any, truth: Tensor, name: str) -> Tensor:
    numbers = mask.float() if isinstance(mask, Tensor) else mask  # a tensor of MONAI's may be bool
    inside = _image(numbers, name)[0] != 0
    if inside.shape != truth.shape:
        raise UserError(f"{name} {tuple(inside.shape)} and truth {tuple(truth.shape)} differ in shape")
    if name == "mask" and not inside.any():
        raise UserError("mask: is empty, so there is nothing to compare")
    return inside


def _image(image: Any, name: str) -> tuple[Tensor, Grid | None]:
    """Return the voxels of an image, and its grid if it says where it lies; arrays may have any number of axes."""
    kind = kind_of(image, name)
    if kind.placed:
        volume = kind.read(image, None, name)
        return volume.voxels, volume.grid
    array = np.asarray(image.detach().cpu().double() if isinstance(image, Tensor) else image)
    if array.dtype.kind not in "buif":
        raise UserError(f"{name}: holds {array.dtype}; hand in integers or floating-point numbers")
    voxels = torch.from_numpy(np.array(array, dtype=np.float64))
    while voxels.ndim > 3 and len(voxels) == 1:
        voxels = voxels[0]  # (*S): without channel and batch
    return voxels, None
