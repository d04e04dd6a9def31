"""The reference page of everything that is registered, written from the registry and the docstrings."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from anysyn.probes.catalogue import probe_names
from anysyn.recipe.sections import Data, Recipe, Split, Stage, Step
from anysyn.registry import find, is_given, kinds, names, parameters

SECTIONS = {"recipe": Recipe, "data": Data, "data.split": Split, "stages.N": Stage, "stages.N.steps.N": Step}
HEAD = """\
# Parts

All registered parts and the keys that a recipe may write for them; `anysyn list --markdown` writes this page. A key
without a default has to be written. A type in italics, such as *encoder*, is a kind: a part of that kind is nested, as
in `encoder: {name: unet, widths: [16, 32]}`. `"@name"` refers to one of the recipe's `parts`. The keys
of a probe are the options of its command.
"""
SCALARS = {bool: "bool", int: "int", float: "float", str: "text", Path: "path", NoneType: "null"}
SHARED = {  # keys whose meaning is the same for every part of a kind
    "at": "Names of the sites where it acts, or globs of them.",
    "label": "Name of its term in the log; the registered name by default.",
    "weight": "Factor of the loss in the objective's sum.",
}
ARGUMENT = re.compile(r"^(\w+): (.*)$")


def lines() -> Iterator[str]:
    """Yield the lines of ``docs/reference/parts.md``.

    Example:
        >>> next(lines())
        '# Parts'
    """
    probe_names()  # which enrols every part, probes too
    yield from HEAD.splitlines()
    yield from ("", "Kinds: " + ", ".join(f"[{kind}](#{kind})" for kind in kinds()) + ".")
    yield from ("", "## The sections of a recipe")
    for place, record in SECTIONS.items():
        yield from ("", f"### {place}", "", *_described(record))
    for kind in kinds():
        yield from ("", f"## {kind}")
        for name in names(kind):
            yield from ("", f"### {kind} `{name}`", "", *_described(find(kind, name)))


def _described(factory: Any) -> Iterator[str]:
    keys = _keys(factory)
    meanings = SHARED | {key: option.description or "" for key, option in _options(factory).items()}
    for described in reversed(getattr(factory, "__mro__", (factory,))):
        meanings |= _arguments(inspect.cleandoc(described.__doc__ or ""))
    yield (inspect.getdoc(factory) or "").splitlines()[0]
    if keys:
        yield from ("", "| key | type | default | meaning |", "|:--|:--|:--|:--|")
    for key, (hint, default) in keys.items():
        cells = (f"`{key}`", _type(hint), _default(default), meanings.get(key, ""))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _keys(factory: Any) -> dict[str, tuple[Any, Any]]:
    """Return the type and the default, or MISSING, of each key that a recipe or, of a probe, its command may set."""
    for_build = getattr(factory, "for_build", {}).items()
    keys: dict[str, tuple[Any, Any]] = {
        key: (hint, None if NoneType in get_args(hint) else MISSING) for key, hint in for_build
    }
    keys |= {key: (o.annotation, MISSING if o.is_required() else o.default) for key, o in _options(factory).items()}
    factories: dict[str, Any] = {f.name: f.default_factory for f in fields(factory)} if is_dataclass(factory) else {}
    for key, (hint, parameter) in parameters(factory).items():
        default = MISSING if parameter.default is parameter.empty else parameter.default
        keys |= {} if is_given(hint) else {key: (hint, factories[key]() if callable(factories.get(key)) else default)}
    return keys


def _options(probe: Any) -> Mapping[str, Any]:
    return getattr(getattr(probe, "options", None), "model_fields", {})


def _arguments(text: str) -> dict[str, str]:
    """Read the section ``Args`` of a Google-style docstring: what each parameter means."""
    _, _, section = text.partition("\nArgs:\n")
    meanings: dict[str, str] = {}
    for line in section.split("\n\n")[0].splitlines():
        if argument := ARGUMENT.match(line.removeprefix("    ")):
            key, meanings[argument[1]] = argument.groups()
        elif meanings:
            meanings[key] += " " + line.strip()
    return meanings


def _type(hint: Any) -> str:
    kind, origin = getattr(hint, "kind", None), get_origin(hint)
    if isinstance(kind, str):
        return f"*{kind}*"
    if hint in SECTIONS.values():
        return f"section `{hint.__name__}`"
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(hint))
    if origin is Annotated:
        return _type(get_args(hint)[0])
    if origin is None:
        return SCALARS.get(hint, f'`"@name"` ({hint.__name__})')
    return _composed(origin, get_args(hint))


def _composed(origin: Any, inner: tuple[Any, ...]) -> str:
    if origin is tuple and Ellipsis not in inner:
        return f"list of {len(inner)} {_type(inner[0])}"
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"mapping of names to {_type(inner[1])}"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return f"list of {_type(inner[0])}"
    return " or ".join(map(_type, inner))


def _default(value: Any) -> str:
    if value is MISSING:
        return ""
    if is_dataclass(value):
        return "that of its keys"
    written = json.dumps(value, default=str)
    return f"`{written.strip(chr(34))}`"
