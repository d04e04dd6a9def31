"""The naming table: what a word of a file name means, from ``naming.yaml``, the aliases and plugins."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from anysyn.data.modalities import modalities, modality
from anysyn.errors import UserError
from anysyn.plugins import enrol_plugins
from anysyn.registry import build, names, suggest

AGENT_KINDS = ("agent", "after", "with", "without", "both")
PLAIN_KINDS = (*AGENT_KINDS, "filler", "neutral")
GROUPED_KINDS = ("none", "unclear")
CONTRAST_KINDS = ("words", "alone", "no_agent")
_ATOM = re.compile(
    r"(?<![a-z0-9])c-(?![a-z0-9])|[a-z0-9]+|[^\W\da-z_]+|\+"
)  # letters of other alphabets are words of their own
_MINUS_C = re.compile(r"(^|[\s_])-c(?![a-z0-9])")


_LISTS = ("beside", "image_types", "sequence_names")
_ROW_FORMS: Mapping[str, Any] = {"with_agent": str} | dict.fromkeys((*CONTRAST_KINDS, *_LISTS), Sequence[str])
_FORMS: Mapping[str, Any] = {
    "contrasts": Mapping[str, Mapping[str, Any]],
    **dict.fromkeys((*GROUPED_KINDS, "image_types"), Mapping[str, Sequence[str]]),
    **dict.fromkeys(PLAIN_KINDS, Sequence[str]),
}


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

    @property
    def is_about_agent(self) -> bool:
        """Whether it says something of a contrast agent."""
        return self.kind in AGENT_KINDS


@dataclass(frozen=True)
class NamingTable:
    """Meanings of words, and how the names of contrasts combine.

    Args:
        words: Meaning by word, as `joined` writes it.
        phrases: Entries of several words, each word apart.
        beside: By modality, those that may be named beside it without another being meant.
        with_agent: By modality, what it is after a contrast agent.
        image_types: Meaning by DICOM ImageType, in upper case.
        sequence_names: Modality by glob of a sequence's name.
    """

    words: Mapping[str, Meaning]
    phrases: frozenset[tuple[str, ...]]
    beside: Mapping[str, tuple[str, ...]]
    with_agent: Mapping[str, str]
    image_types: Mapping[str, Meaning]
    sequence_names: Mapping[str, str]

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
    own = yaml.safe_load((files("anysyn.data.subjects.names") / "naming.yaml").read_text(encoding="utf-8"))
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
    sequence_names: dict[str, str] = {}
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
            sequence_names |= dict.fromkeys(row.get("sequence_names", ()), name)
        image_types |= dict(_image_types(rows))
    return NamingTable(words, frozenset(phrases), beside, with_agent, image_types, sequence_names)


def joined(text: str) -> str:
    """Write a word as the table does: lower case, no accents, no separators; ``*`` is ``star``.

    Example:
        >>> joined("Dark-Fluid"), joined("injecté"), joined("T2*"), joined("C+")
        ('darkfluid', 'injecte', 't2star', 'c+')
    """
    return "".join(atoms_of(text))


def atoms_of(text: str) -> tuple[str, ...]:
    """Return the words of a text, each as `joined` writes it; ``C-`` and ``-C``, without contrast, are one.

    Example:
        >>> atoms_of("T1_C-"), atoms_of("nach KM"), atoms_of("T1 +C")
        (('t1', 'c-'), ('nach', 'km'), ('t1', '+', 'c'))
    """
    plain = _MINUS_C.sub(r"\1c-", folded(text).lower().replace("*", "star"))
    return tuple(_ATOM.findall(plain))


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
    _check_form(source, rows, Mapping[str, Any])
    _check_keys(source, rows, _FORMS)
    for name, row in rows.get("contrasts", {}).items():
        place = f"{source}: contrasts: {name}"
        _check_keys(place, row, _ROW_FORMS)
        for named in (name, *row.get("beside", ()), *([row["with_agent"]] if "with_agent" in row else [])):
            _check_canonical(place, named)
    for word, _ in _entries(rows):
        if not atoms_of(word):
            raise UserError(f"{source}: {word!r} is no word: it has neither letters nor digits")


def _check_canonical(place: str, name: str) -> None:
    try:
        canonical = modality(name).name
    except UserError as error:
        raise UserError(f"{place}: {error}") from error
    if canonical != name:
        raise UserError(f"{place}: {name!r} is an alias; write {canonical!r}")


def _check_keys(place: str, rows: Mapping[str, Any], forms: Mapping[str, Any]) -> None:
    for key, value in rows.items():
        if key not in forms:
            raise UserError(f"{place}: no key {key!r}; {suggest(key, forms)}")
        _check_form(f"{place}: {key}", value, forms[key])


def _check_form(place: str, value: Any, form: Any) -> None:
    try:
        TypeAdapter(form).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ": ".join(map(str, (place, *first["loc"])))
        raise UserError(f"{where}: {first['msg']}, found {first['input']!r}; write it as naming.yaml does") from error


def _said(meaning: Meaning) -> str:
    return f"{meaning.kind} of {meaning.what}" if meaning.what else meaning.kind
