"""Metrics of images in memory: numpy, torch, MONAI, nibabel or SimpleITK in, plain numbers out.

They are those of an evaluation (`anysyn.evaluation`), which reads files and knows units, windows and foregrounds.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from anysyn.arrays.kind import axes_around
from anysyn.arrays.kinds import kind_of
from anysyn.bounds import Positive, within_bounds
from anysyn.data.geometry.grid import Grid, same_grid
from anysyn.data.volumes.volume import Volume
from anysyn.errors import UserError
from anysyn.evaluation.metrics import metrics as formulas
from anysyn.evaluation.metrics import presets as presets  # registers the protocols
from anysyn.evaluation.metrics import ssim as similarity
from anysyn.evaluation.metrics.measure import measure
from anysyn.evaluation.metrics.protocol import Protocol
from anysyn.evaluation.metrics.protocol import protocol as protocol_named
from anysyn.registry import names

__all__ = ["best_factor", "compare", "mae", "mse", "nmse", "psnr", "psnr_scaled", "scaled_to", "ssim"]

CLIPPED = 0.05  # share of the truth beyond a protocol's fixed intensities that is no longer a matter of a few voxels


class Compared(NamedTuple):
    """Two images of one shape, (*S), where they are compared, bool, or None, and their voxel size in mm."""

    prediction: Tensor
    truth: Tensor
    mask: Tensor | None
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)

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
def psnr_scaled(prediction: Any, truth: Any, *, mask: Any = None, data_range: Positive | None = None) -> float:
    """Return the PSNR in dB after the one factor that brings the prediction nearest to the truth.

    MRI has no unit, so a synthesis may be right up to such a factor, `scaled_to`. Arguments and errors are those of
    `psnr`.

    Example:
        >>> truth = np.array([[[1.0, 10.0]]])
        >>> psnr_scaled(3 * truth + 1, truth) > psnr(3 * truth + 1, truth)
        True
    """
    pair = _compared(prediction, truth, mask)
    factor = formulas.best_factor(pair.prediction, pair.truth, pair.mask)
    value = formulas.psnr(factor * pair.prediction, pair.truth, data_range=pair.span(data_range), mask=pair.mask)
    return float(value)


def best_factor(prediction: Any, truth: Any, *, mask: Any = None) -> float:
    """Return the factor that brings a prediction nearest to the truth, ``<p, t> / <p, p>``; MRI has no unit.

    Arguments and errors are those of `psnr`. The factor of a prediction that is 0 everywhere is 1.

    Example:
        >>> best_factor(np.array([[[1.0, 2.0]]]), np.array([[[3.0, 6.0]]]))
        3.0
    """
    return float(formulas.best_factor(*_compared(prediction, truth, mask)[:3]))


def scaled_to(prediction: Any, truth: Any, *, mask: Any = None) -> Any:
    """Return the prediction times its `best_factor`.

    Arguments and errors are those of `psnr`.

    Returns:
        An image of the same kind, float32, in the same place, marked as synthetic where the kind has a place for it.

    Example:
        >>> scaled_to(np.array([[[1.0, 2.0]]]), np.array([[[10.0, 20.0]]])).tolist()
        [[[10.0, 20.0]]]
    """
    factor = best_factor(prediction, truth, mask=mask)
    kind = kind_of(prediction, "prediction")
    if not kind.placed:
        numbers = torch.as_tensor(prediction).float() * factor
        return numbers if isinstance(prediction, Tensor) else numbers.numpy()
    read = kind.read(prediction, None, "prediction")
    return kind.like(prediction, read, Volume(read.voxels * factor, read.affine))


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
    return float(formulas.mae(*_compared(prediction, truth, mask)[:3]))


def mse(prediction: Any, truth: Any, *, mask: Any = None) -> float:
    """Return the mean squared error; arguments and errors are those of `psnr`.

    Example:
        >>> mse(np.array([[[1.0, 3.0]]]), np.array([[[1.0, 1.0]]]))
        2.0
    """
    return float(formulas.mse(*_compared(prediction, truth, mask)[:3]))


def nmse(prediction: Any, truth: Any, *, mask: Any = None) -> float:
    """Return the energy of the error over that of the truth; arguments and errors are those of `psnr`.

    Example:
        >>> nmse(np.array([[[1.0, 4.0]]]), np.array([[[1.0, 2.0]]]))
        0.8
    """
    return float(formulas.nmse(*_compared(prediction, truth, mask)[:3]))


def compare(
    prediction: Any,
    truth: Any,
    *,
    mask: Any = None,
    protocol: str | Protocol = "anysyn",
    lesion: Any = None,
    bone: Any = None,
) -> dict[str, float]:
    """Return all metrics of a protocol, as an evaluation computes them of one case.

    Most scale both images by percentiles of the truth, so any unit of the truth does, and a factor between prediction
    and truth counts as an error; one that clips to fixed intensities (``omnisyn``, ``codebrain-ixi``: 0 to 1;
    ``synthrad``: HU) is about images in that unit. `anysyn list protocols` describes each.

    Args:
        prediction: As for `psnr`, (X, Y, Z).
        truth: As for `psnr`.
        mask: The foreground, for a protocol that compares there; the whole image by default. In a protocol of whole
            slices it says which slices count.
        protocol: Its name, or one of your own.
        lesion: Where the lesion is, for a protocol with metrics of lesions.
        bone: Where bone is, for a protocol with metrics of bone; without it these are NaN.

    Raises:
        UserError: As `psnr`, if the protocol cannot compare these images, or if a mask would change nothing.

    Example:
        >>> truth = np.random.default_rng(0).random((12, 12, 12))
        >>> round(compare(truth + 0.1, truth, mask=truth > 0.1)["ssim"], 2) < 1
        True
    """
    chosen, pair = protocol_named(protocol), _compared(prediction, truth, mask)
    if pair.truth.ndim != 3:
        raise UserError(f"a protocol compares volumes (X, Y, Z), not the shape {tuple(pair.truth.shape)}")
    given = {name: image for name, image in (("mask", mask), ("lesion", lesion), ("bone", bone)) if image is not None}
    _check_used(chosen, list(given))
    where = torch.ones_like(pair.truth, dtype=torch.bool) if pair.mask is None else pair.mask
    _warn_of_clipping(chosen, pair.truth[where])
    parts: dict[str, Any] = {name: _mask(image, pair.truth, name) for name, image in given.items() if name != "mask"}
    try:
        return measure(pair.prediction, pair.truth, where, chosen, spacing=pair.spacing, **parts)
    except ValueError as error:
        raise UserError(f"protocol {chosen.name!r}: {error}") from error


def _check_used(protocol: Protocol, given: list[str]) -> None:
    """Refuse a mask that changes no metric of the protocol."""
    lacks = {"mask": "compares whole volumes", "lesion": "has no metric of lesions", "bone": "has no metric of bone"}
    for name in given:
        if not _reads(protocol, name):
            others = [other for other in names("protocol") if _reads(protocol_named(other), name)]
            raise UserError(
                f"{name}: protocol {protocol.name!r} {lacks[name]}, so it would change nothing; leave it out, or "
                f"take a protocol that uses it: {', '.join(others)}"
            )


def _reads(protocol: Protocol, name: str) -> bool:
    slices = protocol.unit == "slice"  # of which those without foreground are left out
    used = {
        "mask": protocol.mask == "foreground" or slices,
        "lesion": protocol.reads_lesion,
        "bone": protocol.reads_bone,
    }
    return used[name]


def _warn_of_clipping(protocol: Protocol, truth: Tensor) -> None:
    """Warn of a truth in another unit than that of a protocol with fixed intensities."""
    if protocol.clip is None:
        return
    low, high = protocol.clip
    share = float(((truth < low) | (truth > high)).double().mean())
    if share > CLIPPED:
        warnings.warn(
            f"protocol {protocol.name!r} clips to {low:g} to {high:g}, and {share:.0%} of the truth is beyond (it goes "
            f"from {float(truth.min()):g} to {float(truth.max()):g}); bring both images to that unit first, or take a "
            "protocol of percentiles, such as 'anysyn'",
            stacklevel=3,
        )


def _compared(prediction: Any, truth: Any, mask: Any) -> Compared:
    (p, here), (t, there) = _image(prediction, "prediction"), _image(truth, "truth")
    if p.shape != t.shape:
        raise UserError(f"prediction {tuple(p.shape)} and truth {tuple(t.shape)} differ in shape; resample one of them")
    if here is not None and there is not None and not same_grid(here, there):
        raise UserError(f"prediction ({here}) and truth ({there}) lie at different places; resample one of them")
    for name, image in (("prediction", p), ("truth", t)):
        if not image.isfinite().all():
            raise UserError(f"{name}: holds voxels that are not finite; set them to the background")
    place = there or here
    spacing = (1.0, 1.0, 1.0) if place is None else place.voxel_size
    return Compared(p, t, None if mask is None else _mask(mask, t, "mask"), spacing)


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
    before, after = axes_around(voxels.shape)
    return voxels.reshape(voxels.shape[before : voxels.ndim - after]), None  # (*S): without channel and batch
