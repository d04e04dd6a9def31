"""Frames of an enhanced multi-frame file, by b-value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anysyn.scans.dicom.headers import as_number

if TYPE_CHECKING:
    from pydicom import Dataset

GROUPS = "PerFrameFunctionalGroupsSequence"


def b_values_of_frames(header: Dataset) -> list[float]:
    """Return the b-value of each frame in s/mm^2; none if it is no enhanced file, or a frame does not state it."""
    values = []
    for frame in header.get(GROUPS) or ():
        weighting = next(iter(frame.get("MRDiffusionSequence") or ()), None)
        values.append(None if weighting is None else as_number(weighting.get("DiffusionBValue")))
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else []


def write_frames(path: Path, numbers: Sequence[int], out: Path) -> Path:
    """Write an enhanced file with some of its frames alone, compressed as it was.

    Args:
        path: The file.
        numbers: Frames, counted from 0.
        out: The new file.
    """
    from pydicom import dcmread
    from pydicom.encaps import encapsulate, generate_frames

    dataset = dcmread(path)
    count = int(dataset.NumberOfFrames)
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        frames = list(generate_frames(dataset.PixelData, number_of_frames=count))
        dataset.PixelData = encapsulate([frames[number] for number in numbers])
    else:
        size = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated // 8
        dataset.PixelData = b"".join(dataset.PixelData[number * size : (number + 1) * size] for number in numbers)
    groups = getattr(dataset, GROUPS)
    setattr(dataset, GROUPS, [groups[number] for number in numbers])
    dataset.NumberOfFrames = len(numbers)
    dataset.save_as(out)
    return out
