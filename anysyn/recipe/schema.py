"""The JSON Schema of recipes, for editors, from the registry."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import PydanticSchemaGenerationError

from anysyn.plugins import enrol
from anysyn.recipe.check import adapter, is_union, nested
from anysyn.recipe.sections import Recipe
from anysyn.registry import find, is_given, names, parameters

REFERENCE = {"type": "string", "pattern": "^@"}
# In a recipe with a base, a part without a name changes the base's, and whole numbers as keys change items of a list.
CHANGE = {"type": "object", "not": {"required": ["name"]}}
CHANGES = {"type": "object", "patternProperties": {"^[0-9]+$": {"type": "object"}}, "additionalProperties": False}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a recipe, with all registered parts.

    Example:
        >>> json_schema()["properties"]["seed"]["type"]
        'integer'
    """
    definitions: dict[str, Any] = {}
    schema = _section(Recipe, definitions)
    schema["properties"]["base"] = {"type": "string", "description": "A recipe that this one changes."}
    schema["required"] = []  # what is required may come from the base
    whole = {key: schema["properties"][key] for key in ("data", "parts")}
    part = {"anyOf": [whole["parts"]["additionalProperties"], CHANGE]}
    data = whole["data"]["properties"]
    data = data | {"view": {"anyOf": [data["view"], CHANGE]}}
    schema["properties"] |= {
        "data": {**whole["data"], "properties": data, "required": []},
        "parts": {"type": "object", "additionalProperties": part},
    }
    schema |= {"if": {"not": {"required": ["base"]}}, "then": {"properties": whole}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "$defs": definitions}


def _section(record: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(record, include_extras=True)
    needed = [f.name for f in fields(record) if f.default is MISSING and f.default_factory is MISSING]
    return _object({key: _value(hint, definitions) for key, hint in hints.items()}, needed, record)


def _object(properties: dict[str, Any], needed: list[str], described: Any) -> dict[str, Any]:
    summary = (inspect.getdoc(described) or "").splitlines()[:1]
    return {
        "type": "object",
        "description": "".join(summary),
        "properties": properties,
        "required": needed,
        "additionalProperties": False,
    }


def _value(annotation: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    kind = getattr(annotation, "kind", None)
    if isinstance(kind, str):
        return _kind(kind, definitions)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return _section(annotation, definitions)
    if not nested(annotation):
        return _leaf(annotation)
    inner = _value([a for a in get_args(annotation) if nested(a)][-1], definitions)
    if is_union(annotation):
        return {"anyOf": [inner, {"type": "null"}]}
    if issubclass(get_origin(annotation), Mapping):
        return {"type": "object", "additionalProperties": inner}
    return {"anyOf": [{"type": "array", "items": inner}, CHANGES]}


def _leaf(annotation: Any) -> dict[str, Any]:
    try:
        return dict(adapter(annotation).json_schema())
    except PydanticSchemaGenerationError:
        return REFERENCE


def _kind(kind: str, definitions: dict[str, Any]) -> dict[str, Any]:
    if kind not in definitions:
        definitions[kind] = {}  # a placeholder, since parts of this kind may contain each other
        definitions[kind] = {"anyOf": [REFERENCE, *(_part(kind, name, definitions) for name in names(kind))]}
    return {"$ref": f"#/$defs/{kind}"}


def _part(kind: str, name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    factory = find(kind, name)
    accepted = {key: value for key, value in parameters(factory).items() if not is_given(value[0])}
    for_build = getattr(factory, "for_build", {})
    properties = {key: _value(hint, definitions) for key, hint in for_build.items()}
    properties |= {key: _value(annotation, definitions) for key, (annotation, _) in accepted.items()}
    required = [key for key, hint in for_build.items() if type(None) not in get_args(hint)]
    needed = [*required, *(key for key, (_, p) in accepted.items() if p.default is p.empty)]
    return _object({"name": {"const": name}, **properties}, ["name", *needed], factory)


def text() -> str:
    """Return the schema with all registered parts, plugins included, as JSON."""
    enrol()
    return json.dumps(json_schema(), indent=2)
