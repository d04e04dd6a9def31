"""The b-values of a diffusion series, and the one whose image is the DWI."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anysyn.scans.dicom.frames import b_values_of_frames, write_frames
from anysyn.scans.dicom.headers import SourceSeries, as_number, number_in

if TYPE_CHECKING:
    from pydicom import Dataset

USUAL = (500.0, 1200.0)  # s/mm^2: the range in which a DWI is read; an image of a higher b is noise beside it
SAME = 25.0  # s/mm^2: scanners state what the gradients really gave, which differs a little by direction
PRIVATE = ((0x0019, 0x100C), (0x2001, 0x1003), (0x0043, 0x1039))  # Siemens, Philips, GE
GE_OFFSET = 1e9  # which GE adds to some b-values


def b_value_of(header: Dataset) -> float | None:
    """Return the b-value of a file in s/mm^2, from the standard's tag or those of the vendors; None if it is unknown.

    Example:
        >>> from pydicom import Dataset
        >>> header = Dataset()
        >>> header.add_new((0x0019, 0x100C), "OB", b"800 ")
        >>> b_value_of(header)
        800.0
    """
    value = number_in(header, "DiffusionBValue")
    for tag in PRIVATE:
        if value is None and tag in header:
            content = header[tag].value
            value = as_number(content.split(b"\\")[0] if isinstance(content, bytes) else content)
    if value is None or value < 0:
        return None
    return value % GE_OFFSET if value >= GE_OFFSET else value


def chosen_b_value(values: Iterable[float]) -> float:
    """Return the b-value whose image is the DWI: the highest from 500 to 1200 s/mm^2, or the one nearest to these.

    Example:
        >>> chosen_b_value([50, 400, 800]), chosen_b_value([0, 1000, 3000]), chosen_b_value([0, 1500, 2000])
        (800, 1000, 1500)
    """
    different = sorted(values)
    usual = [value for value in different if USUAL[0] <= value <= USUAL[1]]
    return usual[-1] if usual else min(different, key=lambda b: min(abs(b - end) for end in USUAL))


class OneBValue(NamedTuple):
    """The files of the b-value that is the DWI, that value if it is stated, and a remark about others, or nothing."""

    series: SourceSeries
    b_value: float | None = None
    remark: str = ""


def of_one_b_value(series: SourceSeries, folder: Path) -> OneBValue:
    """Return a series with the b-value that is the DWI alone; one whose files do not all state theirs as it is.

    Args:
        series: The series.
        folder: Where an enhanced file goes that has the frames of that value alone.
    """
    if frames := b_values_of_frames(series.header):
        return _of_frames(series, frames, folder) if len(series.files) == 1 else OneBValue(series)
    values = [b_value_of(header) for header in series.headers]
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return OneBValue(series)
    chosen = chosen_b_value(known)
    return OneBValue(series.taking(_of(chosen, known)), chosen, remark_on(known, chosen))


def _of_frames(series: SourceSeries, values: list[float], folder: Path) -> OneBValue:
    chosen = chosen_b_value(values)
    mine, remark = _of(chosen, values), remark_on(values, chosen)
    if len(mine) < len(values):
        folder.mkdir(parents=True, exist_ok=True)
        series = replace(series, files=(write_frames(series.files[0], mine, folder / "frames.dcm"),))
    return OneBValue(series, chosen, remark)


def _of(chosen: float, values: Iterable[float]) -> list[int]:
    return [number for number, value in enumerate(values) if abs(value - chosen) <= SAME]


def remark_on(values: Iterable[float], chosen: float) -> str:
    """Return what is said of a series of several b-values.

    Example:
        >>> remark_on([50, 400, 800, 800], 800)
        'of the b-values 50, 400, 800 s/mm^2 b 800 is the DWI'
        >>> remark_on([800.0, 801.0], 800)
        ''
    """
    different = sorted({round(value) for value in values})
    if different[-1] - different[0] <= SAME:
        return ""
    return f"of the b-values {', '.join(map(str, different))} s/mm^2 b {chosen:.0f} is the DWI"
