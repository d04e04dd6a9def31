"""The unit that the sidecars of an image state."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from anysyn.data.records import Subject
from anysyn.data.subjects.sidecars import read_sidecar, sidecar_beside

UNKNOWN = ("", "n/a", "none", "unknown", "unitless", "1", "a.u.", "au", "arbitrary", "arbitraryunits")


def stated_units(subject: Subject, names: Iterable[str]) -> dict[str, str]:
    """Return what the sidecars of a subject's images call their unit, by modality; without those that say nothing.

    Raises:
        SidecarError: If a sidecar cannot be read.
    """
    units = {}
    for name in names:
        fields: dict[str, Any] = {}
        for path in subject.sidecars.get(name, ()):
            fields |= read_sidecar(path)
        units[name] = unit_in(fields or sidecar_beside(subject.images[name]))
    return {name: unit for name, unit in units.items() if unit is not None}


def unit_in(sidecar: dict[str, Any]) -> str | None:
    """Return the entry ``Units`` of a sidecar, or None if it says nothing.

    Example:
        >>> unit_in({"Units": "Bq/mL"}), unit_in({"Units": "unitless"}), unit_in({})
        ('Bq/mL', None, None)
    """
    unit = sidecar.get("Units")
    return unit if isinstance(unit, str) and plain(unit) not in UNKNOWN else None


def plain(unit: str) -> str:
    """Return a unit in one spelling: lower case, without spaces, powers as ``mm2`` and ``1e-3``.

    Example:
        >>> plain("10^-3 mm^2/s"), plain("×10⁻⁶ mm²/sec"), plain("µm²/ms"), plain("1E-06 mm2/s")
        ('1e-3mm2/s', '1e-6mm2/s', 'um2/ms', '1e-6mm2/s')
    """
    text = unicodedata.normalize("NFKC", unit).lower().replace("\u2212", "-").replace("\u03bc", "u")
    text = re.sub(r"[\s^*·_]|\*\*", "", text).removeprefix("x").removeprefix("×").replace("sec", "s")
    return re.sub(r"^(?:10|1(?:\.0)?e)([+-]?)0*(\d)(?=\D)", r"1e\1\2", text)
