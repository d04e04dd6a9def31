"""The one volume of a series that is its contrast: of one b-value, averaged over directions, in its unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from anysyn.scans.dicom.converter import ConvertedVolume
from anysyn.scans.dicom.diffusion import SAME, OneBValue, chosen_b_value, remark_on
from anysyn.scans.dicom.errors import DicomError
from anysyn.scans.dicom.headers import SourceSeries, text_in
from anysyn.scans.dicom.sidecar import sidecar_of
from anysyn.scans.dicom.unsuitable import image_types
from anysyn.scans.dicom.uptake import uptake_of


@dataclass(frozen=True)
class OneVolume:
    """A volume in its unit, with its sidecar, and what was decided on the way.

    Args:
        volume: Its voxels are (X, Y, Z).
        sidecar: BIDS fields, nothing of the person.
        remarks: Lines such as which b-value was taken.
        source: The series, of the b-value that was taken.
    """

    volume: ConvertedVolume
    sidecar: dict[str, Any]
    remarks: tuple[str, ...]
    source: SourceSeries


def is_diffusion_map(series: SourceSeries) -> bool:
    """Tell whether a series is computed from several b-values, so that none is its own."""
    return "ADC" in image_types(series)


def main_volume(volumes: Sequence[ConvertedVolume]) -> tuple[ConvertedVolume, str]:
    """Return the volume of a series that counts, and a remark if there are others.

    dcm2niix corrects a tilted gantry in a further file (``Tilt``), and spaces slices evenly in one (``Eq``): these
    count before the main one. Of echoes, or magnitude and phase, the first counts.
    """
    corrected = [volume for volume in volumes if volume.part.startswith(("Tilt", "Eq"))]
    if corrected:
        what = "a tilted gantry" if corrected[0].part.startswith("Tilt") else "uneven slices"
        return corrected[-1], f"corrected by dcm2niix for {what}"
    if len(volumes) == 1:
        return volumes[0], ""
    return volumes[0], f"the first of {len(volumes)} volumes: {', '.join(volume.part or 'main' for volume in volumes)}"


def one_volume(source: SourceSeries, volumes: Sequence[ConvertedVolume], weighting: OneBValue) -> OneVolume:
    """Return the volume of a series that is its contrast.

    Args:
        source: The files that count.
        volumes: What a converter made of them.
        weighting: The b-value that they state, and a remark; it goes before what the converter says, since dcm2niix
            writes 2000 for a mean over directions.

    Raises:
        DicomError: If it is a series over time, or a PET without what SUV needs.
    """
    volume, about_parts = main_volume(volumes)
    stated = weighting.b_value
    if stated is not None and volume.voxels.ndim == 4:
        volume = replace(volume, b_values=(stated,) * volume.voxels.shape[3])
    volume, about_b = of_directions(volume)
    sidecar = sidecar_of(source.header, volume.fields)
    b_value = stated if stated is not None else next(iter(volume.b_values), None)
    if b_value is not None and not is_diffusion_map(source):
        sidecar["DiffusionBValue"] = b_value
    if text_in(source.header, "Modality") == "PT":
        uptake = uptake_of(source)
        volume = replace(volume, voxels=(volume.voxels * uptake.factor).astype(np.float32))
        sidecar |= uptake.fields
    remarks = tuple(filter(None, (weighting.remark, about_parts, about_b)))
    return OneVolume(volume, sidecar, remarks, source)


def of_directions(volume: ConvertedVolume) -> tuple[ConvertedVolume, str]:
    """Return the mean over the directions of the b-value that is the DWI, and a remark; a single volume as it is.

    Raises:
        DicomError: If there are several volumes and no b-values.

    Example:
        >>> voxels = np.stack([np.full((2, 2, 2), value) for value in (900, 100, 300)], axis=3)
        >>> volume, remark = of_directions(ConvertedVolume(voxels, np.eye(4), b_values=(0, 1000, 1000)))
        >>> float(volume.voxels.mean()), remark
        (200.0, 'of the b-values 0, 1000 s/mm^2 b 1000 is the DWI; mean of its 2 volumes')
    """
    if volume.voxels.ndim == 3:
        return volume, ""
    count = volume.voxels.shape[3]
    if len(volume.b_values) != count or max(volume.b_values) == 0:
        raise DicomError(f"has {count} volumes, as over time; anysyn reads single ones: choose one and convert it")
    chosen = chosen_b_value(volume.b_values)
    mine = [n for n, value in enumerate(volume.b_values) if abs(value - chosen) <= SAME]
    voxels = volume.voxels[..., mine].mean(axis=3).astype(np.float32)  # (X, Y, Z)
    remarks = [remark_on(volume.b_values, chosen), f"mean of its {len(mine)} volumes" if len(mine) > 1 else ""]
    return replace(volume, voxels=voxels, b_values=(chosen,)), "; ".join(filter(None, remarks))
