"""Intensity normalisation."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from anysyn.bounds import Percentile
from anysyn.data.errors import VolumeError
from anysyn.data.modalities import modality
from anysyn.data.prepare.preparation import Preparation, Undo
from anysyn.data.volumes.foreground import foreground
from anysyn.data.volumes.intensity_window import Window, rescale, restore, width, window_of
from anysyn.data.volumes.study import Study
from anysyn.registry import register

FAR_ABOVE_SUV = 20.0  # times the cap of the modality table: no tissue, but Bq/mL


@register("prepare", "nonnegative")
@dataclass(frozen=True, kw_only=True)
class Nonnegative(Preparation):
    """Clamping of the negative values that spline interpolation leaves in MRI and PET; CT stays as it is.

    The inverse does nothing, since no scanner produces such values.

    Example:
        >>> import torch
        >>> image = torch.tensor([-2.0, 0.0, 900.0]).reshape(3, 1, 1)
        >>> study = Study("sub-01", "", {"T1w": image}, np.eye(4), image > 0)
        >>> Nonnegative().forward(study)[0].images["T1w"].flatten().tolist()
        [0.0, 0.0, 900.0]
    """

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the clamped study and an inverse that does nothing."""
        images = {n: image if modality(n).family == "CT" else image.clamp(min=0) for n, image in study.images.items()}
        return replace(study, images=images), lambda prepared: prepared


@dataclass(frozen=True, kw_only=True)
class Linear(Preparation):
    """Linear map of each image, without clipping, from its window to 0 and 1.

    Args:
        windows: Intensities that become 0 and 1, by modality, instead of those of the modality table (CT in HU, PET in
            SUV or SUVR, ADC) or those measured in the image (all others); a third number is the slope outside.
    """

    windows: Mapping[str, Window] = field(default_factory=dict)

    def __post_init__(self) -> None:
        windows = {}
        for name, numbers in self.windows.items():
            try:
                windows[modality(name).name] = window_of(numbers)
            except ValueError as error:
                raise ValueError(f"prepare: windows: {modality(name).name}: {error}") from error
        object.__setattr__(self, "windows", windows)

    @abstractmethod
    def measured(self, image: Tensor, inside: Tensor) -> Window:
        """Return the window of an image without a fixed one, from its foreground ``inside``, (X, Y, Z) bool."""

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the rescaled study and the inverse, which uses the windows of the study that it is applied to."""
        if study.windows:
            raise ValueError("prepare: the images cannot be rescaled twice; keep one of rescale and zscore")
        windows = {name: self._window(study, name) for name in study.images}
        images = {name: rescale(image, windows[name]) for name, image in study.images.items()}
        return replace(study, images=images, windows=windows), from_windows

    def _window(self, study: Study, name: str) -> Window:
        image, known = study.images[name], modality(name)
        inside = foreground(image, known.family)
        fixed = self.windows.get(name, known.window)
        try:
            window = self.measured(image, inside) if fixed is None else in_unit(image[inside], fixed, known.unit)
        except VolumeError as error:
            raise VolumeError(f"{study.key}: {name}: {error}") from error
        if not width(window) > 0:
            raise VolumeError(f"{study.key}: {name}: its bright and dark end are both {window[0]:g}; is it a mask?")
        return window


@register("prepare", "rescale")
@dataclass(frozen=True, kw_only=True)
class Rescale(Linear):
    """Rescaling of 0 and a high percentile of the foreground to 0 and 1; fixed windows for CT, PET and ADC.

    Args:
        upper: Percentile that becomes 1.
        lower: Percentile that becomes 0; null keeps the 0 of the file, which in MRI is air.
        windows: Intensities that become 0 and 1, by modality, for example ``{CT: [0, 80, 0.02]}``: a brain window with
            a slope of 0.02 outside, which compresses bone and air without clipping them.

    Example:
        >>> import torch
        >>> image = torch.arange(1001.0).reshape(7, 11, 13)
        >>> study = Study("sub-01", "", {"T1w": image}, np.eye(4), image > 0)
        >>> Rescale(upper=100).forward(study)[0].windows
        {'T1w': (0.0, 1000.0)}
    """

    upper: Percentile = 99.5
    lower: Percentile | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.lower or 0) < self.upper <= 100 or (self.lower or 0) < 0:
            raise ValueError(f"prepare.rescale: lower {self.lower} and upper {self.upper} are not percentiles in order")

    def measured(self, image: Tensor, inside: Tensor) -> Window:
        """Return the percentiles of the foreground."""
        low, high = np.percentile(image[inside].numpy(), [self.lower or 0, self.upper])
        return 0.0 if self.lower is None else float(low), float(high)


@register("prepare", "zscore")
@dataclass(frozen=True, kw_only=True)
class ZScore(Linear):
    """Z-score of the foreground (mean 0, standard deviation 1); fixed windows for CT, PET and ADC.

    Args:
        windows: Intensities that become 0 and 1, by modality, for example ``{CT: [-160, 240]}``.

    Example:
        >>> import torch
        >>> image = torch.cat([torch.full((4, 8, 8), 90.0), torch.full((4, 8, 8), 110.0)])
        >>> ZScore().measured(image, torch.ones(8, 8, 8, dtype=torch.bool))
        (100.0, 110.0)
    """

    def measured(self, image: Tensor, inside: Tensor) -> Window:
        """Return the mean, and the mean plus one standard deviation, of the foreground."""
        voxels = image[inside].double()
        mean = float(voxels.mean())
        return mean, mean + float(voxels.std(correction=0))


def in_unit(voxels: Tensor, window: Window, unit: str) -> Window:
    """Return a fixed window in the unit of a file.

    Diffusion is stored in 10^-6, 10^-3 or 1 mm^2/s; the bright voxels show which.

    Args:
        voxels: (n,) of the foreground.
        window: In the unit of the modality table.
        unit: Of the modality table.

    Raises:
        VolumeError: If a PET image cannot be in SUV.

    Example:
        >>> import torch
        >>> in_unit(torch.tensor([0.7, 0.8, 3.0]), (0.0, 3000.0), "10^-6 mm^2/s")
        (0.0, 3.0)
    """
    ratio = float(np.percentile(voxels.numpy(), 98)) / max(map(abs, window[:2]))
    if "mm^2/s" in unit and ratio > 0:
        factor = 1000.0 ** round(math.log(ratio, 1000))
        return window_of((window[0] * factor, window[1] * factor, *window[2:]))
    if unit in ("SUV", "SUVR") and ratio > FAR_ABOVE_SUV:
        raise VolumeError(
            f"values about {ratio * window[1]:g} are no {unit}; divide Bq/mL by the injected dose (Bq) per gram of body"
        )
    return window


def from_windows(study: Study) -> Study:
    """Map the images of a study back to the unit of the files by the study's windows; each image must have one."""
    images = {name: restore(image, study.window(name)) for name, image in study.images.items()}
    return replace(study, images=images, windows={})
