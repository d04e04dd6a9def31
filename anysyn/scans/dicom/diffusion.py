"""The b-values of a diffusion series, and the one whose image is the DWI."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

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


def of_one_b_value(series: SourceSeries) -> tuple[SourceSeries, float | None, str]:
    """Return the files of the b-value that is the DWI, that value, and a remark about the others, or nothing.

    A series whose files state no b-value, or all the same, comes back as it is.
    """
    values = [b_value_of(header) for header in series.headers]
    known = [value for value in values if value is not None]
    enhanced = any(number_in(header, "NumberOfFrames") for header in series.headers)  # many b-values in one file
    if enhanced or not known or len(known) < len(values):
        return series, None, ""
    chosen = chosen_b_value(known)
    mine = [n for n, value in enumerate(known) if abs(value - chosen) <= SAME]
    return series.taking(mine), chosen, remark_on(known, chosen)


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
