"""Intensity normalisation."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from torch import Tensor

from anysyn.bounds import Percentile
from anysyn.data.errors import VolumeError
from anysyn.data.modalities import modality
from anysyn.data.prepare.measured_windows import MUCH_BELOW, percentile_window, share_below_zero, zscore_window
from anysyn.data.prepare.preparation import Preparation, Undo
from anysyn.data.volumes.foreground import foreground
from anysyn.data.volumes.intensity_window import Window, rescale, restore, width, window_of
from anysyn.data.volumes.study import Study
from anysyn.registry import register


@register("prepare", "nonnegative")
@dataclass(frozen=True, kw_only=True)
class Nonnegative(Preparation):
    """Clamping of the negative values that spline interpolation leaves in MRI and PET; CT stays as it is.

    MRI that lies below 0 in large part, as after z-scoring or scaling to -1 to 1, is refused rather than cut. The
    inverse does nothing, since no scanner produces such values.

    Example:
        >>> import numpy as np, torch
        >>> image = torch.tensor([-2.0, 0.0, 900.0]).reshape(3, 1, 1)
        >>> study = Study("sub-01", "", {"T1w": image}, np.eye(4), image > 0)
        >>> Nonnegative().forward(study)[0].images["T1w"].flatten().tolist()
        [0.0, 0.0, 900.0]
    """

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the clamped study and an inverse that does nothing.

        Raises:
            VolumeError: If an MRI without a unit lies below 0 in large part.
        """
        for name, image in study.images.items():
            if modality(name).unit == "arbitrary" and (share := share_below_zero(image)) > MUCH_BELOW:
                raise VolumeError(
                    f"{study.key}: {name}: {share:.0%} of its intensity lies below 0, as after z-scoring or scaling to "
                    "-1 to 1; give the images as the scanner made them, or in data.prepare leave out nonnegative and "
                    "use {name: rescale, lower: 0.5} or {name: zscore}"
                )
        images = {n: image if modality(n).family == "CT" else image.clamp(min=0) for n, image in study.images.items()}
        return replace(study, images=images), lambda prepared: prepared


Spacing = tuple[float, float, float]  # edges of a voxel in mm


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
    def measured(self, image: Tensor, inside: Tensor, spacing: Spacing) -> Window:
        """Return the window of an image without a fixed one.

        Args:
            image: (X, Y, Z), in the unit of the file.
            inside: (X, Y, Z) bool, its foreground.
            spacing: Edges of a voxel in mm.
        """

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
        window = self.measured(image, inside, study.grid.spacing) if fixed is None else fixed
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
        over: Whether the percentiles are those of the ``foreground`` or of the whole ``volume``, air included.
        windows: Intensities that become 0 and 1, by modality, for example ``{CT: [0, 80, 0.02]}``: a brain window with
            a slope of 0.02 outside, which compresses bone and air without clipping them.

    Example:
        >>> import numpy as np, torch
        >>> image = torch.arange(1001.0).reshape(7, 11, 13)
        >>> study = Study("sub-01", "", {"T1w": image}, np.eye(4), image > 0)
        >>> Rescale(upper=100).forward(study)[0].windows
        {'T1w': (0.0, 1000.0)}
    """

    upper: Percentile = 99.5
    lower: Percentile | None = None
    over: Literal["foreground", "volume"] = "foreground"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.lower or 0) < self.upper <= 100 or (self.lower or 0) < 0:
            raise ValueError(f"prepare.rescale: lower {self.lower} and upper {self.upper} are not percentiles in order")

    def measured(self, image: Tensor, inside: Tensor, spacing: Spacing) -> Window:
        """Return the percentiles of the foreground, or of all."""
        within = inside if self.over == "foreground" else inside | ~inside
        return percentile_window(image, within, lower=self.lower, upper=self.upper)


@register("prepare", "clamp")
@dataclass(frozen=True, kw_only=True)
class Clamp(Preparation):
    """Clamping of prepared images to 0 and 1, after ``rescale``; the inverse does nothing.

    TUMSyn's published code cuts what lies beyond its percentiles. A CT or PET keeps what its fixed window leaves out.

    Example:
        >>> import numpy as np
        >>> import torch
        >>> image = torch.tensor([-0.2, 0.5, 1.3]).reshape(3, 1, 1)
        >>> study = Study("sub-01", "", {"T1w": image}, np.eye(4), image > 0, windows={"T1w": (0.0, 100.0)})
        >>> Clamp().forward(study)[0].images["T1w"].flatten().tolist()
        [0.0, 0.5, 1.0]
    """

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the clamped study and an inverse that does nothing.

        Raises:
            ValueError: If the images are not rescaled yet.
        """
        if not study.windows:
            raise ValueError("prepare: clamp comes after rescale, which says what 0 and 1 are")
        images = {n: image if modality(n).window else image.clamp(0, 1) for n, image in study.images.items()}
        return replace(study, images=images), lambda prepared: prepared


@register("prepare", "zscore")
@dataclass(frozen=True, kw_only=True)
class ZScore(Linear):
    """Z-score of the foreground (mean 0, standard deviation 1); fixed windows for CT, PET and ADC.

    Args:
        windows: Intensities that become 0 and 1, by modality, for example ``{CT: [-160, 240]}``.

    Example:
        >>> import torch
        >>> image = torch.cat([torch.full((4, 8, 8), 90.0), torch.full((4, 8, 8), 110.0)])
        >>> ZScore().measured(image, torch.ones(8, 8, 8, dtype=torch.bool), (1.0, 1.0, 1.0))
        (100.0, 110.0)
    """

    def measured(self, image: Tensor, inside: Tensor, spacing: Spacing) -> Window:
        """Return the mean, and the mean plus one standard deviation, of the foreground."""
        return zscore_window(image, inside)


def from_windows(study: Study) -> Study:
    """Map the images of a study back to the unit of the files by the study's windows; each image must have one."""
    images = {name: restore(image, study.window(name)) for name, image in study.images.items()}
    return replace(study, images=images, windows={})
