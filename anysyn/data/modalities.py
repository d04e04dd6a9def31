"""The modalities: their names and aliases, units, windows, and places in a BIDS dataset."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from anysyn.acquisition import Acquisition
from anysyn.errors import UserError
from anysyn.registry import suggest

ANY = "*"


@dataclass(frozen=True)
class Bids:
    """Say where a BIDS dataset keeps a modality.

    Args:
        datatype: Folder, for example ``"anat"``.
        suffix: Last word of the file name, for example ``"T1w"``.
        entities: Labels that set it apart from others of this suffix, by entity; the first is the one to write, and
            ``"*"`` stands for any.
    """

    datatype: str
    suffix: str
    entities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Modality:
    """Describe a modality.

    Args:
        name: Canonical name, for example ``"T1w"``.
        family: ``"MRI"``, ``"CT"`` or ``"PET"``.
        unit: Of the voxels; ``"arbitrary"`` for the scanner's own scale.
        window: Intensities that 0 and 1 stand for; None where the unit is arbitrary.
        aliases: Other names.
        bids: Where a BIDS dataset keeps it.
        description: A sentence for the reader.
        prompt: What image-text models are told of it.
    """

    name: str
    family: str
    unit: str
    window: tuple[float, float] | None
    aliases: tuple[str, ...]
    bids: Bids
    description: str
    prompt: str


@cache
def modalities() -> tuple[Modality, ...]:
    """Return all modalities, in the order of the table.

    Example:
        >>> [modality.name for modality in modalities()][:3]
        ['T1w', 'T1c', 'T2w']
    """
    table = yaml.safe_load((files("anysyn.data") / "modalities.yaml").read_text(encoding="utf-8"))
    return tuple(_modality(name, row) for name, row in table.items())


def modality(name: str) -> Modality:
    """Return the modality of a name or an alias; upper and lower case and punctuation do not count.

    Raises:
        UserError: If nothing has that name; the message gives the nearest match and the choices.

    Example:
        >>> modality("T1ce").name, modality("t2_flair").name, modality("T2*").name
        ('T1c', 'FLAIR', 'T2star')
    """
    found = recognise(name)
    if found is None:
        near = difflib.get_close_matches(_key(name), _index(), n=1)
        meant = _index()[near[0]].name if near else name
        raise UserError(f"no modality named {name!r}; {suggest(meant, [m.name for m in modalities()])}")
    return found


def recognise(name: str) -> Modality | None:
    """Return the modality of a name or an alias, or None.

    Example:
        >>> recognise("localizer") is None
        True
    """
    return _index().get(_key(name))


def tracer_of(name: str) -> str | None:
    """Return the tracer that the name of a PET modality says, None of all others.

    Example:
        >>> tracer_of("AV45-PET"), tracer_of("CT")
        ('AV45', None)
    """
    labels = modality(name).bids.entities.get("trc")
    return labels[0] if labels else None


def index(table: Iterable[Modality]) -> dict[str, Modality]:
    """Map every name and alias, in lower case without punctuation, to its modality.

    Raises:
        ValueError: If two modalities share a name.
    """
    found: dict[str, Modality] = {}
    for one in table:
        for name in (one.name, *one.aliases):
            taken = found.setdefault(_key(name), one)
            if taken is not one:
                raise ValueError(f"{name!r} names both {taken.name} and {one.name}")
    return found


@cache
def _index() -> Mapping[str, Modality]:
    return index(modalities())


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("*", "star"))


def _modality(name: str, row: Mapping[str, Any]) -> Modality:
    place = row["bids"]
    entities = {key: tuple(labels) for key, labels in place.get("entities", {}).items()}
    window = row.get("window")
    return Modality(
        name=name,
        family=row["family"],
        unit=row["unit"],
        window=None if window is None else (float(window[0]), float(window[1])),
        aliases=tuple(row["aliases"]),
        bids=Bids(place["datatype"], place["suffix"], entities),
        description=row["description"],
        prompt=row["prompt"],
    )


def named(record: Acquisition | None, name: str) -> Acquisition:
    """Return a record as that of a modality, with the tracer that the name of a PET says where the record does not.

    Args:
        record: What is known; None for nothing.
        name: The modality.

    Example:
        >>> named(None, "FDG-PET").known(), named(Acquisition(kvp=120.0), "CT").known()
        ({'modality': 'FDG-PET', 'tracer': 'FDG'}, {'modality': 'CT', 'kvp': 120.0})
    """
    known = record or Acquisition()
    return replace(known, modality=name, tracer=known.tracer or tracer_of(name))
