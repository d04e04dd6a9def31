"""Corruptions of the sources: noise, downsampling, motion (OmniSyn, Table 6). The truth stays as it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anysyn.data.geometry.resampling import along, interpolation, resampling
from anysyn.data.volumes.study import Study
from anysyn.errors import RecipeError
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.metrics.metrics import psnr
from anysyn.registry import find, names, register, suggest

Edges = tuple[float, float, float]  # of a voxel, in mm

SEVERITIES = ("minor", "moderate", "severe")
BRIGHT = 99.5  # percentile of the foreground that is 1; the darkest voxel of the image is 0
MOVES = 6  # of the head during a scan, half of them before the centre of k-space
REST = 1.75  # lines on either side of the middle with the head in its first position: three or four in all
PLANE = (0, 1)  # axes of an axial slice


@dataclass(frozen=True, kw_only=True)
class Corruption(ABC):
    """A corruption of an image at a level.

    Args:
        level: Its strength, in the corruption's own unit.

    Raises:
        EvaluationError: If the level lies outside of `bounds`.

    Example:
        >>> str(Gaussian(level=0.1))
        'gaussian=0.1'
    """

    kind: ClassVar[str] = "corruption"
    name: ClassVar[str]
    meaning: ClassVar[str]
    severities: ClassVar[tuple[float, float, float]]
    bounds: ClassVar[tuple[float, float]]

    level: float

    def __post_init__(self) -> None:
        """Check the level."""
        low, high = self.bounds
        if not low <= self.level <= high:
            raise EvaluationError(f"corruption {self}: the level ({self.meaning}) is from {low:g} to {high:g}")

    def __str__(self) -> str:
        return f"{self.name}={self.level:g}"

    @abstractmethod
    def applied(self, image: Tensor, *, spacing: Edges, generator: np.random.Generator) -> Tensor:
        """Return the corrupted image.

        Args:
            image: (X, Y, Z), on a scale from 0, air, to about 1.
            spacing: Edges of the voxels in mm.
            generator: Draws what is random; with the same draws a higher level is more of the same.
        """


@register("corruption", "gaussian")
class Gaussian(Corruption):
    """Gaussian noise; the level is its standard deviation, 1 being a bright voxel.

    Example:
        >>> noisy = Gaussian(level=0.1).applied(
        ...     torch.zeros(9, 9, 9), spacing=(1.0, 1.0, 1.0), generator=np.random.default_rng(0)
        ... )
        >>> round(float(noisy.std()), 1)
        0.1
    """

    name, meaning = "gaussian", "standard deviation, 1 being a bright voxel"
    severities, bounds = (0.04, 0.1, 0.19), (1e-4, 10.0)

    def applied(self, image: Tensor, *, spacing: Edges, generator: np.random.Generator) -> Tensor:
        """Return the image with noise, which makes some of the air negative."""
        from monai.transforms import RandGaussianNoise  # here, since monai takes seconds to import

        return _noisy(RandGaussianNoise, image, self.level, generator)


@register("corruption", "rician")
class Rician(Corruption):
    """Rician noise: the magnitude after Gaussian noise in both channels; the level is its standard deviation in each.

    Example:
        >>> noisy = Rician(level=0.1).applied(
        ...     torch.zeros(9, 9, 9), spacing=(1.0, 1.0, 1.0), generator=np.random.default_rng(0)
        ... )
        >>> bool(noisy.min() >= 0), round(float(noisy.mean()), 1)  # 0.1 sqrt(pi / 2) in air
        (True, 0.1)
    """

    name, meaning = "rician", "standard deviation in each channel, 1 being a bright voxel"
    severities, bounds = (0.04, 0.1, 0.19), (1e-4, 10.0)

    def applied(self, image: Tensor, *, spacing: Edges, generator: np.random.Generator) -> Tensor:
        """Return the magnitude image."""
        from monai.transforms import RandRicianNoise

        return _noisy(RandRicianNoise, image, self.level, generator)


def _noisy(kind: Any, image: Tensor, level: float, generator: np.random.Generator) -> Tensor:
    from monai.data.meta_tensor import MetaTensor

    noise = kind(prob=1.0, std=level, sample_std=False)
    noise.set_random_state(state=np.random.RandomState(generator.integers(2**32)))
    noisy = noise(image)
    return cast(Tensor, noisy.as_tensor() if isinstance(noisy, MetaTensor) else noisy)


@register("corruption", "downsampling")
class Downsampling(Corruption):
    """Downsampling of axial slices and interpolation back; the level is the edge of the new voxels in old ones.

    Both are linear; a Gaussian before the downsampling prevents aliasing.

    Example:
        >>> image = torch.ones(8, 8, 2)
        >>> coarse = Downsampling(level=2.5).applied(image, spacing=(1.0, 1.0, 1.0), generator=np.random.default_rng(0))
        >>> torch.allclose(coarse, image)
        True
    """

    name, meaning = "downsampling", "edge of the new voxels in old ones"
    severities, bounds = (2.0, 3.0, 4.0), (1.01, 64.0)

    def applied(self, image: Tensor, *, spacing: Edges, generator: np.random.Generator) -> Tensor:
        """Return the smooth image on its own grid."""
        return along(image, {axis: self._there_and_back(image.shape[axis]) for axis in PLANE})

    def _there_and_back(self, length: int) -> Tensor:
        """Return the matrix (n, n); the new voxels are centred on the old ones, so that nothing is shifted."""
        count = max(1, round(length / self.level))
        start = (length - count * self.level) / 2
        there = start + (torch.arange(count).double() + 0.5) * self.level - 0.5  # (m,)
        back = (torch.arange(length).double() + 0.5 - start) / self.level - 0.5  # (n,)
        return interpolation(count, back) @ resampling(length, there, self.level)  # (n, n)


@register("corruption", "motion")
class Motion(Corruption):
    """Motion of the head while k-space is filled; the level is the largest shift in mm and rotation in degrees.

    The lines are filled along the posterior-anterior axis, with six positions of the head, and a few in the centre with
    the first one, so that the image is not shifted (TorchIO's ``Motion``, after Shaw et al., MIDL 2019).

    Example:
        >>> image = torch.zeros(16, 16, 8)
        >>> image[4:12, 4:12, 2:6] = 1
        >>> ghosts = Motion(level=3.0).applied(image, spacing=(1.0, 1.0, 1.0), generator=np.random.default_rng(0))
        >>> ghosts.shape, bool((ghosts[0] != 0).any())
        (torch.Size([16, 16, 8]), True)
    """

    name, meaning = "motion", "largest shift in mm and turn in degrees"
    severities, bounds = (0.5, 2.0, 4.0), (0.001, 60.0)

    def __post_init__(self) -> None:
        """Check the level, and that TorchIO is there, before an image is read."""
        super().__post_init__()
        if find_spec("torchio") is None:
            raise EvaluationError("corruption 'motion' needs torchio; install it with: pip install 'anysyn[motion]'")

    def applied(self, image: Tensor, *, spacing: Edges, generator: np.random.Generator) -> Tensor:
        """Return the image with ghosts and blur."""
        from torchio import ScalarImage
        from torchio.transforms import Motion as FilledWhileMoving

        shifts, turns = self.level * generator.uniform(-1, 1, (2, MOVES, 3))
        when = _moments(image.shape[1], generator)
        moving = FilledWhileMoving(degrees=turns, translation=shifts, times=when, image_interpolation="linear")
        lines_last = image.transpose(1, 2).unsqueeze(0)  # (1, X, Z, Y): TorchIO fills k-space along the last axis
        x, y, z = spacing
        scan = ScalarImage(tensor=lines_last, affine=_centred(lines_last.shape[1:], (x, z, y)))
        return cast(Tensor, moving(scan).data)[0].transpose(1, 2)  # (X, Y, Z)


def _moments(lines: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Draw when the head moves, as shares of the scan; TorchIO shows it at rest around 0.5."""
    half = MOVES // 2
    early, late = (np.arange(1, half) + generator.uniform(-0.3, 0.3, (2, half - 1))) / (2 * half)
    return np.array([*early, 0.5 - REST / lines, 0.5 + REST / lines, *(0.5 + late)])


def _centred(shape: Sequence[int], spacing: Edges) -> NDArray[np.float64]:
    # TorchIO rotates the head about the origin of the world, which therefore has to be its middle.
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-edge * (n - 1) / 2 for n, edge in zip(shape, spacing, strict=True)]
    return affine


def corruption(spec: str | Corruption) -> Corruption:
    """Return a corruption from its text; a corruption is returned as it is.

    Args:
        spec: ``"gaussian=0.1"``, or ``"motion=severe"`` with minor, moderate or severe.

    Raises:
        EvaluationError: If it cannot be read; the message gives the choices.

    Example:
        >>> corruption("downsampling=moderate").level
        3.0
    """
    if isinstance(spec, Corruption):
        return spec
    name, _, text = spec.replace(" ", "").partition("=")
    kind = kind_of(name)
    try:
        level = kind.severities[SEVERITIES.index(text)] if text in SEVERITIES else float(text)
    except ValueError:
        near, how = suggest(text, SEVERITIES), f"write {name}=severe or {name}={kind.severities[1]:g}"
        raise EvaluationError(f"corruption {spec!r} cannot be read; {how}; {near}") from None
    return kind(level=level)


def kind_of(name: str) -> type[Corruption]:
    """Return a registered kind of corruption.

    Raises:
        EvaluationError: If there is none of that name; the message gives the nearest match.
    """
    try:
        return cast(type[Corruption], find("corruption", name))
    except RecipeError:
        known = suggest(name, names("corruption"))
        raise EvaluationError(f"no corruption named {name!r}; {known}; write gaussian=0.1 or motion=severe") from None


def corrupted(study: Study, sources: Sequence[str], how: Corruption, *, seed: int = 0) -> Study:
    """Corrupt images of a study; the others and the foreground stay as they are.

    Each image is scaled for `Corruption.applied` and back. Nothing is clipped. The seed decides the draws with subject
    and modality, so they are the same in any evaluation.
    """
    images = {name: _corrupted(study, name, how, seed) for name in sources}
    return replace(study, images={**study.images, **images})


def _corrupted(study: Study, name: str, how: Corruption, seed: int) -> Tensor:
    image = study.images[name]
    low, high = span_of(image, study.foreground)
    generator = np.random.default_rng([seed, *f"{study.dataset}/{study.key}/{name}".encode()])
    worse = how.applied((image - low) / (high - low), spacing=study.grid.spacing, generator=generator)
    return (low + (high - low) * worse).to(image)


def span_of(image: Tensor, foreground: Tensor) -> tuple[float, float]:
    """Return the intensities that are 0 and 1: the darkest voxel, and the 99.5th percentile of the foreground.

    Raises:
        ValueError: If the image is constant.

    Example:
        >>> image = torch.arange(8.0).reshape(2, 2, 2)
        >>> span_of(image, image > 2)
        (0.0, 6.980000019073486)
    """
    low, high = float(image.min()), float(np.percentile(image[foreground].numpy(), BRIGHT))
    if not low < high:
        raise ValueError("the image is constant, so nothing can be corrupted")
    return low, high


def input_psnr(shown: Tensor, clean: Tensor, foreground: Tensor) -> float:
    """Return the PSNR of a corrupted source in dB, over the whole image and without any clipping.

    The data range is that of `span_of`; the PSNR is infinite if nothing changed. All are (X, Y, Z).

    Example:
        >>> clean = torch.arange(1000.0).reshape(10, 10, 10)
        >>> round(input_psnr(clean + 99.9, clean, clean >= 0), 1)
        20.0
    """
    low, high = span_of(clean, foreground)
    return float(psnr(shown, clean, data_range=high - low))
