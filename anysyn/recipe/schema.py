"""The JSON Schema of recipes, for editors, from the registry."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Annotated, Any, get_origin

from pydantic import PydanticSchemaGenerationError

from anysyn.bounds import needs_an_item
from anysyn.plugins import enrol
from anysyn.recipe.check import adapter, fields_of, inner_of, is_union, keys_of, nested
from anysyn.recipe.sections import Recipe
from anysyn.registry import find, names

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
    hints, needed = fields_of(record)
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
    inner = _value(inner_of(annotation), definitions)
    if get_origin(annotation) is Annotated:
        return {**inner, "minItems": 1} if needs_an_item(annotation) else inner
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
    hints, needed = keys_of(factory)
    properties = {key: _value(hint, definitions) for key, hint in hints.items()}
    return _object({"name": {"const": name}, **properties}, ["name", *needed], factory)


def text() -> str:
    """Return the schema with all registered parts, plugins included, as JSON."""
    enrol()
    return json.dumps(json_schema(), indent=2)
