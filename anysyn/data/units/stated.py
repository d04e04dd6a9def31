"""The unit that the sidecars of an image state."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from anysyn.data.subjects.sidecars import read_sidecar, sidecar_beside

UNKNOWN = ("", "n/a", "none", "unknown", "unitless", "1", "a.u.", "au", "arbitrary", "arbitraryunits")


def stated_units(images: Mapping[str, Path], sidecars: Mapping[str, Sequence[Path]] | None = None) -> dict[str, str]:
    """Return what the sidecars of images call their unit, by modality; without those that say nothing.

    Args:
        images: Files, by modality.
        sidecars: Sidecars of the files, the one that takes precedence last; by default the one beside each.

    Raises:
        SidecarError: If a sidecar cannot be read.
    """
    units = {}
    for name, image in images.items():
        fields: dict[str, Any] = {}
        for path in (sidecars or {}).get(name, ()):
            fields |= read_sidecar(path)
        units[name] = unit_in(fields or sidecar_beside(Path(image)))
    return {name: unit for name, unit in units.items() if unit is not None}


def unit_in(sidecar: Mapping[str, Any]) -> str | None:
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
