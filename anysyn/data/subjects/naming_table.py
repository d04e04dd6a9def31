"""The naming table: what a word of a file name means, from ``naming.yaml``, the aliases and plugins."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from anysyn.data.modalities import modalities, modality
from anysyn.errors import UserError
from anysyn.plugins import enrol_plugins
from anysyn.registry import build, names, suggest

PLAIN_KINDS = ("agent", "after", "with", "without", "filler", "neutral")
GROUPED_KINDS = ("none", "unclear")
CONTRAST_KINDS = ("words", "alone", "no_agent")
KEYS = ("contrasts", "image_types", *GROUPED_KINDS, *PLAIN_KINDS)
CONTRAST_KEYS = (*CONTRAST_KINDS, "beside", "with_agent", "image_types")
_ATOM = re.compile(r"[a-z0-9]+|\+")


@dataclass(frozen=True)
class Meaning:
    """What a word means.

    Args:
        kind: ``words``, ``alone`` or ``no_agent`` of a contrast, or one of the other keys of ``naming.yaml``.
        what: The modality, or for ``none`` and ``unclear`` what the image is.
    """

    kind: str
    what: str = ""

    @property
    def is_contrast(self) -> bool:
        """Whether it names a contrast."""
        return self.kind in CONTRAST_KINDS


@dataclass(frozen=True)
class NamingTable:
    """Meanings of words, and how the names of contrasts combine.

    Args:
        words: Meaning by word, as `joined` writes it.
        phrases: Entries of several words, each word apart.
        beside: By modality, those that may be named beside it without another being meant.
        with_agent: By modality, what it is after a contrast agent.
        image_types: Meaning by DICOM ImageType, in upper case.
    """

    words: Mapping[str, Meaning]
    phrases: frozenset[tuple[str, ...]]
    beside: Mapping[str, tuple[str, ...]]
    with_agent: Mapping[str, str]
    image_types: Mapping[str, Meaning]

    def refines(self, name: str, coarser: str) -> bool:
        """Return whether a modality is a special case of another one, so that both may be named.

        Example:
            >>> naming_table().refines("FLAIR", "T2w"), naming_table().refines("T2w", "FLAIR")
            (True, False)
        """
        return coarser in self.beside.get(name, ())


def naming_table() -> NamingTable:
    """Return the naming table, with the rows that installed plugins add.

    Raises:
        UserError: If a row is not of the table's form, names an unknown modality or contradicts another.
    """
    enrol_plugins()
    return _table(tuple(names("naming")))


@cache
def _table(plugins: tuple[str, ...]) -> NamingTable:
    own = yaml.safe_load((files("anysyn.data.subjects") / "naming.yaml").read_text(encoding="utf-8"))
    added = [(f"naming {name!r}", build("naming", {"name": name})) for name in plugins]
    return table_of([("naming.yaml", own), *added])


def table_of(sources: Iterable[tuple[str, Mapping[str, Any]]]) -> NamingTable:
    """Join rows in the form of ``naming.yaml``; where two give a word a meaning, the later one decides.

    Args:
        sources: Rows, each with a name for the messages.

    Raises:
        UserError: If a row is not of that form, names an unknown modality, or gives a word two meanings.

    Example:
        >>> table = table_of([("mine", {"contrasts": {"T2w": {"words": ["BLUE-7"]}}})])
        >>> table.words["blue7"].what
        'T2w'
    """
    words: dict[str, Meaning] = {}
    phrases: set[tuple[str, ...]] = set()
    beside: dict[str, tuple[str, ...]] = {}
    with_agent: dict[str, str] = {}
    image_types: dict[str, Meaning] = {}
    for source, rows in [("modalities.yaml", _aliases()), *sources]:
        _check(source, rows)
        own: dict[str, Meaning] = {}
        for word, meaning in _entries(rows):
            if own.setdefault(joined(word), meaning) != meaning:
                raise UserError(f"{source}: {word!r} has two meanings, {_said(own[joined(word)])} and {_said(meaning)}")
            phrases.add(atoms_of(word))
        words |= own
        for name, row in rows.get("contrasts", {}).items():
            beside[name] = (*beside.get(name, ()), *row.get("beside", ()))
            with_agent |= {name: row["with_agent"]} if "with_agent" in row else {}
        image_types |= dict(_image_types(rows))
    return NamingTable(words, frozenset(phrases), beside, with_agent, image_types)


def joined(text: str) -> str:
    """Write a word as the table does: lower case, no accents, no separators; ``*`` is ``star``.

    Example:
        >>> joined("Dark-Fluid"), joined("injecté"), joined("T2*"), joined("C+")
        ('darkfluid', 'injecte', 't2star', 'c+')
    """
    return "".join(atoms_of(text))


def atoms_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, each as `joined` writes it; a last ``c-`` is one word, without contrast.

    Example:
        >>> atoms_of("T1_C-"), atoms_of("nach KM"), atoms_of("T1 +C")
        (('t1', 'c-'), ('nach', 'km'), ('t1', '+', 'c'))
    """
    plain = folded(text).lower().replace("*", "star")
    return tuple(re.findall(r"(?<![a-z0-9])c-(?![a-z0-9])|[a-z0-9]+|\+", plain))


def folded(text: str) -> str:
    """Return a text without accents.

    Example:
        >>> folded("Flüssigkeit")
        'Flussigkeit'
    """
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def _aliases() -> dict[str, Any]:
    return {"contrasts": {known.name: {"words": [known.name, *known.aliases]} for known in modalities()}}


def _entries(rows: Mapping[str, Any]) -> Iterator[tuple[str, Meaning]]:
    for name, row in rows.get("contrasts", {}).items():
        for kind in CONTRAST_KINDS:
            yield from ((word, Meaning(kind, name)) for word in row.get(kind, ()))
    for kind in GROUPED_KINDS:
        for what, group in rows.get(kind, {}).items():
            yield from ((word, Meaning(kind, what)) for word in group)
    for kind in PLAIN_KINDS:
        yield from ((word, Meaning(kind)) for word in rows.get(kind, ()))


def _image_types(rows: Mapping[str, Any]) -> Iterator[tuple[str, Meaning]]:
    for name, row in rows.get("contrasts", {}).items():
        yield from ((word.upper(), Meaning("words", name)) for word in row.get("image_types", ()))
    for what, group in rows.get("image_types", {}).items():
        yield from ((word.upper(), Meaning("none", what)) for word in group)


def _check(source: str, rows: Any) -> None:
    if not isinstance(rows, Mapping):
        raise UserError(f"{source}: expected a mapping with the keys of naming.yaml, found {rows!r}")
    for key in rows:
        if key not in KEYS:
            raise UserError(f"{source}: no key {key!r}; {suggest(key, KEYS)}")
    for name, row in rows.get("contrasts", {}).items():
        if modality(name).name != name:
            raise UserError(f"{source}: contrasts: {name!r} is an alias; write {modality(name).name!r}")
        for key in row:
            if key not in CONTRAST_KEYS:
                raise UserError(f"{source}: contrasts: {name}: no key {key!r}; {suggest(key, CONTRAST_KEYS)}")
    for word, _ in _entries(rows):
        if not (isinstance(word, str) and atoms_of(word)):
            raise UserError(f"{source}: {word!r} is no word; write it in quotes, with letters or digits")


def _said(meaning: Meaning) -> str:
    return f"{meaning.kind} of {meaning.what}" if meaning.what else meaning.kind
