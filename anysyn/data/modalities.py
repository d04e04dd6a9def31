"""The modalities: names and aliases, units, intensity windows, and file names in BIDS."""

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
_INTERVALS = ("window", "range")


@dataclass(frozen=True)
class BidsName:
    """Folder and file name of a modality in a BIDS dataset.

    Args:
        datatype: Folder, for example ``"anat"``.
        suffix: Last word of the file name, for example ``"T1w"``.
        entities: Labels, by entity, that distinguish it from other modalities with this suffix; the first label is the
            one to write, and ``"*"`` stands for any.
    """

    datatype: str
    suffix: str
    entities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Modality:
    """An imaging modality.

    Args:
        name: Canonical name, for example ``"T1w"``.
        description: One sentence about it.
        prompt: Its description for image-text models.
        aliases: Other names.
        bids: Its name in BIDS.
        family: ``"MRI"``, ``"CT"`` or ``"PET"``.
        unit: Unit of the voxels; ``"arbitrary"`` for the scanner's own scale.
        window: Intensities that become 0 and 1; None if the unit is arbitrary.
        range: Lowest and highest intensity that is physically possible; None is no bound.
    """

    name: str
    description: str
    prompt: str
    aliases: tuple[str, ...]
    bids: BidsName
    family: str = "MRI"
    unit: str = "arbitrary"
    window: tuple[float, float] | None = None
    range: tuple[float | None, float | None] = (0.0, None)


@cache
def modalities() -> tuple[Modality, ...]:
    """Return all modalities, in the order of the table.

    Example:
        >>> [modality.name for modality in modalities()][:3]
        ['T1w', 'T1c', 'T2w']
    """
    table = yaml.safe_load((files("anysyn.data") / "modalities.yaml").read_text(encoding="utf-8"))
    return tuple(_modality(name, row) for name, row in table.items())


def modality(name: str, *, choices: Iterable[str] | None = None) -> Modality:
    """Return the modality with a name or an alias; case and punctuation are ignored.

    Args:
        name: The name.
        choices: Those that the message lists; all by default.

    Raises:
        UserError: If nothing has that name; the message gives the nearest match and the choices.

    Example:
        >>> modality("T1ce").name, modality("t2_flair").name, modality("T2*").name
        ('T1c', 'FLAIR', 'T2star')
    """
    known = recognise(name)
    if known is None:
        near = difflib.get_close_matches(_key(name), _index(), n=1)
        meant = _index()[near[0]].name if near else name
        raise UserError(f"no modality named {name!r}; {suggest(meant, choices or [m.name for m in modalities()])}")
    return known


def recognise(name: str) -> Modality | None:
    """Return the modality with a name or an alias, or None.

    Example:
        >>> recognise("localizer") is None
        True
    """
    return _index().get(_key(name))


def tracer_of(name: str) -> str | None:
    """Return the tracer in the name of a PET modality; None for all other modalities.

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
    by_name: dict[str, Modality] = {}
    for entry in table:
        for name in (entry.name, *entry.aliases):
            first = by_name.setdefault(_key(name), entry)
            if first is not entry:
                raise ValueError(f"{name!r} names both {first.name} and {entry.name}")
    return by_name


@cache
def _index() -> Mapping[str, Modality]:
    return index(modalities())


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("*", "star"))


def _modality(name: str, row: Mapping[str, Any]) -> Modality:
    place = row["bids"]
    entities = {key: tuple(labels) for key, labels in place.get("entities", {}).items()}
    bids = BidsName(place["datatype"], place["suffix"], entities)
    ends = {key: tuple(end if end is None else float(end) for end in row[key]) for key in _INTERVALS if key in row}
    return Modality(name, **{**row, **ends, "aliases": tuple(row["aliases"]), "bids": bids})


def named(record: Acquisition | None, name: str) -> Acquisition:
    """Return a copy of a record with the name of a modality, and the tracer in that name if the record has none.

    Example:
        >>> named(None, "FDG-PET").known(), named(Acquisition(kvp=120.0), "CT").known()
        ({'modality': 'FDG-PET', 'tracer': 'FDG'}, {'modality': 'CT', 'kvp': 120.0})
    """
    known = record or Acquisition()
    return replace(known, modality=name, tracer=known.tracer or tracer_of(name))
