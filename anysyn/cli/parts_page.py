"""The reference page of everything that is registered, written from the registry and the docstrings."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from anysyn.plugins import enrol
from anysyn.recipe.sections import Data, Recipe, Split, Stage, Step
from anysyn.registry import find, is_given, kinds, names, parameters

SECTIONS = {"recipe": Recipe, "data": Data, "data.split": Split, "stages.N": Stage, "stages.N.steps.N": Step}
HEAD = """\
# Parts

All registered parts and the keys that a recipe may write for them; `anysyn list --markdown` writes this page. A key
without a default has to be written. A type in italics, such as *encoder*, is a kind: a part of that kind is nested, as
in `encoder: {name: unet, widths: [16, 32]}`. `"@name"` refers to one of the recipe's `parts`.
"""
SCALARS = (bool, int, float, str)
BUILD_KEYS = {"at": "Names of the sites where it acts, or globs of them."}
ARGUMENT = re.compile(r"^(\w+): (.*)$")


def lines() -> Iterator[str]:
    """Yield the lines of ``docs/reference/parts.md``.

    Example:
        >>> next(lines())
        '# Parts'
    """
    enrol()
    yield from HEAD.splitlines()
    yield from ("", "Kinds: " + ", ".join(f"[{kind}](#{kind})" for kind in kinds()) + ".")
    yield from ("", "## The sections of a recipe")
    for place, record in SECTIONS.items():
        yield from ("", f"### {place}", "", *_described(record, _fields(record)))
    for kind in kinds():
        yield from ("", f"## {kind}")
        for name in names(kind):
            factory = find(kind, name)
            yield from ("", f"### {kind} `{name}`", "", *_described(factory, _keys(factory)))


def _fields(record: Any) -> dict[str, tuple[Any, Any]]:
    hints = get_type_hints(record, include_extras=True)
    return {f.name: (hints[f.name], _initial(f)) for f in fields(record) if f.init}


def _initial(entry: Field[Any]) -> Any:
    return entry.default if entry.default_factory is MISSING else entry.default_factory()


def _keys(factory: Callable[..., Any]) -> dict[str, tuple[Any, Any]]:
    keys = {key: (hint, MISSING) for key, hint in getattr(factory, "for_build", {}).items()}
    if is_dataclass(factory):
        keys |= _fields(factory)
    else:
        accepted = parameters(factory).items()
        keys |= {key: (hint, MISSING if p.default is p.empty else p.default) for key, (hint, p) in accepted}
    return {key: value for key, value in keys.items() if not is_given(value[0])}


def _described(factory: Any, keys: dict[str, tuple[Any, Any]]) -> Iterator[str]:
    meanings = dict(BUILD_KEYS)
    for described in reversed(getattr(factory, "__mro__", (factory,))):
        meanings |= _arguments(inspect.cleandoc(described.__doc__ or ""))
    yield (inspect.getdoc(factory) or "").splitlines()[0]
    if keys:
        yield from ("", "| key | type | default | meaning |", "|:--|:--|:--|:--|")
    for key, (hint, default) in keys.items():
        cells = (f"`{key}`", _type(hint), _default(default), meanings.get(key, ""))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


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
        word = {type(None): "null", str: "text"}.get(hint, hint.__name__)
        return word if hint in (type(None), *SCALARS) else f'`"@name"` ({word})'
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
