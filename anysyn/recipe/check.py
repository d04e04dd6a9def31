"""Check of a recipe against the registry: every name, key and type, all mistakes at once."""

from __future__ import annotations

import inspect
import types
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from unicodedata import normalize

from pydantic import ConfigDict, PydanticSchemaGenerationError, TypeAdapter, ValidationError
from torch.nn import ModuleDict

from anysyn.bounds import needs_an_item
from anysyn.data.modalities import modality
from anysyn.errors import RecipeError, UserError
from anysyn.files import check_name
from anysyn.files.yaml_tree import Keys
from anysyn.recipe.data_names import data_mistakes
from anysyn.recipe.read import Source
from anysyn.recipe.sections import Recipe
from anysyn.registry import find, is_given, parameters, suggest

MOST_SIZE = 1_000_000  # of anything that a network is made of; what is larger would fill the memory even as a list
LONG = 60  # letters of a value that a message shows
MOST_MISTAKES = 50  # after which a recipe is given up: looking for the nearest word takes time for each
MOST_PARTS = 1_000  # mappings with a name: building and checking each takes milliseconds


class GivenUpError(RecipeError):
    """The first mistakes of a recipe that has too many, or too much, to go on."""


@dataclass
class Report:
    """The mistakes of a recipe.

    Args:
        source: The recipe as written.
        mistakes: Path and message of each.
        parts: How many registered parts were checked.
    """

    source: Source
    mistakes: list[tuple[Keys, str]] = field(default_factory=list)
    parts: int = 0

    def say(self, path: Keys, message: str) -> None:
        """Add a mistake.

        Raises:
            GivenUpError: If there are too many; with those so far.
        """
        self.mistakes.append((path, message))
        if len(self.mistakes) >= MOST_MISTAKES:
            raise GivenUpError(f"{self.error()}\nand perhaps more, since the check ends here; mend these first")

    def count_part(self, path: Keys) -> None:
        """Count a part.

        Raises:
            GivenUpError: If there are too many.
        """
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise GivenUpError(f"{self.source.place(path)}: more than {MOST_PARTS:,} parts; shorten the recipe")

    def within(self, path: Keys) -> bool:
        """Return whether a mistake lies at or below a path."""
        return any(at[: len(path)] == path for at, _ in self.mistakes)

    def error(self) -> RecipeError:
        """Return an error with all mistakes, a line each."""
        return RecipeError("\n".join(f"{self.source.place(path)}: {message}" for path, message in self.mistakes))


def check(source: Source) -> tuple[Recipe, Report]:
    """Check a recipe and fill in the defaults.

    Args:
        source: The recipe as `anysyn.recipe.read.read` returns it.

    Returns:
        The recipe, its parts still as mappings, and the report; the recipe is valid only if the report has no mistakes.
    """
    report = Report(source)
    tree = dict(source.tree)
    if isinstance(tree.get("modalities"), list):
        tree["modalities"] = _modalities(source.as_typed(("modalities",), tree["modalities"]), report)
    _check_names(tree, report)
    names = tuple(tree["parts"]) if isinstance(tree.get("parts"), Mapping) else ()
    recipe = _Checker(report, names).section(Recipe, tree, ())
    _check_parts(recipe, report)
    for path, message in data_mistakes(recipe):
        report.say(path, message)
    return recipe, report


def _check_names(tree: Mapping[str, Any], report: Report) -> None:
    """Report names that become files of the run and cannot, or would be the same file."""
    stages = tree["stages"] if isinstance(tree.get("stages"), list) else []
    places = [(("stages", i, "name"), stage["name"]) for i, stage in enumerate(stages) if has_name(stage)]
    for path, name in [*places, *([(("name",), tree["name"])] if has_name(tree) else [])]:
        try:
            check_name(name, "this name")
        except UserError as error:
            report.say(path, str(error))
    taken = set[str]()
    for path, name in places:
        if (written := normalize("NFC", name).casefold()) in taken:  # some file systems tell neither apart
            report.say(path, f"two stages are called {name!r}, and each writes files of its name; rename one")
        taken.add(written)


def has_name(tree: Any) -> bool:
    """Return whether a mapping has a name.

    Example:
        >>> has_name({"name": "synthesis"}), has_name({"epochs": 2}), has_name(None)
        (True, False, False)
    """
    return isinstance(tree, Mapping) and isinstance(tree.get("name"), str)


def _check_parts(recipe: Recipe, report: Report) -> None:
    """Report names of networks that cannot begin the names of their weights."""
    taken = dir(ModuleDict)
    for key in map(str, recipe.parts or {}):
        if not key.isprintable() or not key.strip() or "." in key or key in taken:
            why = "is taken by torch" if key in taken else "is empty, or holds a point or what cannot be printed"
            report.say(("parts", key), f"a network's weights are called by its name, but {short(key)} {why}")


def _modalities(words: list[Any], report: Report) -> list[str]:
    names = []
    for i, word in enumerate(words):
        try:
            names.append(modality(str(word)).name)
        except ValueError as error:
            report.say(("modalities", i), str(error))
    for name in sorted(name for name, count in Counter(names).items() if count > 1):
        report.say(("modalities",), f"{name!r} is listed more than once (aliases count)")
    if len(words) < 2:
        report.say(("modalities",), "synthesis needs at least two modalities")
    return names


class _Checker:
    def __init__(self, report: Report, parts: Sequence[str]) -> None:
        self.report, self.parts = report, parts

    def section(self, record: type[Any], tree: Any, path: Keys) -> Any:
        """Check a mapping against the fields of a record, and return the record."""
        if not isinstance(tree, Mapping):
            return self.report.say(path, f"expected a mapping, found {short(tree)}")
        hints, needed = fields_of(record)
        values = self.keys(tree, hints, needed, path, record.__name__.lower())
        return record(**{**dict.fromkeys(needed), **values})

    def part(self, kind: str, spec: Any, path: Keys) -> Any:
        """Check the mapping of a registered part, or a reference to one, and fill in its defaults."""
        if isinstance(spec, str):
            return self.reference(kind, spec, path)
        if not isinstance(spec, Mapping):
            return self.report.say(path, f"expected a {kind}, written as {{name: ...}}, found {short(spec)}")
        self.report.count_part(path)
        try:
            factory = find(kind, spec.get("name"))
        except RecipeError as error:
            return self.report.say((*path, "name") if "name" in spec else path, str(error))
        hints, needed = keys_of(factory)
        written = {key: value for key, value in spec.items() if key != "name"}
        values = self.keys(written, hints, needed, path, f"{kind} {spec['name']!r}")
        settable = ((key, p) for key, (hint, p) in parameters(factory).items() if not is_given(hint))
        defaults = {key: default(factory, p) for key, p in settable if key not in needed}
        return {"name": spec["name"], **defaults, **values}

    def keys(
        self, tree: Mapping[Any, Any], hints: Mapping[str, Any], needed: Iterable[str], path: Keys, what: str
    ) -> Any:
        """Check that keys are known and present, then check each value."""
        for key in tree:
            if key not in hints:
                self.report.say((*path, key), f"{what} takes no {key!r}; {suggest(key, hints)}")
        missing = sorted(set(needed) - tree.keys())
        if missing:
            self.report.say(path, f"{what} needs {', '.join(map(repr, missing))}")
        return {key: self.value(hints[key], value, (*path, key)) for key, value in tree.items() if key in hints}

    def value(self, annotation: Any, value: Any, path: Keys) -> Any:
        """Check one value against an annotation, and recursively its parts, records, lists and mappings."""
        kind = getattr(annotation, "kind", None)
        if isinstance(kind, str):
            return self.part(kind, value, path)
        if isinstance(annotation, type) and is_dataclass(annotation):
            return self.section(annotation, value, path)
        if value is None and type(None) in get_args(annotation):
            return None
        if not nested(annotation):
            return self.leaf(annotation, value, path)
        inner = inner_of(annotation)
        if is_union(annotation):
            if value == [] and needs_an_item(annotation):
                return self.report.say(path, "needs at least one, found []")
            return self.value(inner, value, path)
        if issubclass(get_origin(annotation), Mapping):
            if not isinstance(value, Mapping):
                return self.report.say(path, f"expected a mapping, found {short(value)}")
            return {key: self.value(inner, item, (*path, key)) for key, item in value.items()}
        if not isinstance(value, list):
            return self.report.say(path, f"expected a list, found {short(value)}")
        return [self.value(inner, item, (*path, i)) for i, item in enumerate(value)]

    def leaf(self, annotation: Any, value: Any, path: Keys) -> Any:
        """Check a plain value; ``@name`` may stand for any built part."""
        try:
            checked = _plain_lists(adapter(annotation).validate_python(value))
            if _too_large(checked) and any(section in path for section in ("parts", "view")):
                self.report.say(path, f"no network and no view has sizes above {MOST_SIZE:,}, found {short(value)}")
            return checked
        except PydanticSchemaGenerationError:  # an annotation that is a class: only a reference can supply it
            return self.reference("part", value, path)
        except ValidationError as error:
            typed = self.report.source.as_typed(path, value)
            if typed != value and _accepts(annotation, typed):  # a folder may be called 2024, or no
                return typed
            for at, message in _messages(error).items():
                self.report.say((*path, *at), message)
            return None

    def reference(self, kind: str, value: Any, path: Keys) -> Any:
        """Check that ``@name`` refers to a part of the recipe."""
        if not (isinstance(value, str) and value.startswith("@")):
            return self.report.say(path, f'expected a {kind} ({{name: ...}} or "@part"), found {short(value)}')
        if value[1:] not in self.parts:
            return self.report.say(path, f"no part is called {value[1:]!r}; {suggest(value[1:], self.parts)}")
        return value


def fields_of(record: type[Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the annotation of each field of a record, and the fields without a default."""
    needed = [f.name for f in fields(record) if f.default is MISSING and f.default_factory is MISSING]
    return get_type_hints(record, include_extras=True), needed


def keys_of(factory: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the annotation of each key of a registered part in a recipe, and the keys without a default."""
    accepted = {key: value for key, value in parameters(factory).items() if not is_given(value[0])}
    hints = dict(getattr(factory, "for_build", {}))
    needed = [key for key, hint in hints.items() if type(None) not in get_args(hint)]
    needed += [key for key, (_, p) in accepted.items() if p.default is p.empty]
    return hints | {key: annotation for key, (annotation, _) in accepted.items()}, needed


def default(factory: Any, parameter: inspect.Parameter) -> Any:
    """Return the default of a factory's parameter; that of a dataclass may come from a ``default_factory``."""
    factories = {f.name: f.default_factory for f in fields(factory)} if is_dataclass(factory) else {}
    make = factories.get(parameter.name, MISSING)
    return _plain_lists(parameter.default if make is MISSING else make())


def nested(annotation: Any) -> bool:
    """Return whether an annotation contains a registered part or a record of the recipe.

    Example:
        >>> from collections.abc import Sequence
        >>> from anysyn.types import Loss
        >>> nested(Sequence[Loss]), nested(Sequence[int])
        (True, False)
    """
    is_part, is_record = isinstance(getattr(annotation, "kind", None), str), is_dataclass(annotation)
    return is_part or is_record or any(nested(inner) for inner in get_args(annotation))


def inner_of(annotation: Any) -> Any:
    """Return the annotation of the parts or records that a nested annotation contains."""
    return [inner for inner in get_args(annotation) if nested(inner)][-1]


def adapter(annotation: Any) -> TypeAdapter[Any]:
    """Return the pydantic check of a plain annotation.

    Example:
        >>> adapter(float).validate_python("1e-4")  # YAML 1.1 reads this as text
        0.0001
    """
    return TypeAdapter(annotation, config=ConfigDict(allow_inf_nan=False))


def _too_large(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_too_large, value))
    return isinstance(value, int) and abs(value) > MOST_SIZE


def _accepts(annotation: Any, value: Any) -> bool:
    try:
        adapter(annotation).validate_python(value)
    except ValidationError:
        return False
    return True


def short(value: object) -> str:
    """Return how a value is written in a message, cut where it is long.

    Example:
        >>> short(["T1w"] * 99)
        "['T1w', 'T1w', 'T1w', 'T1w', 'T1w', 'T1w', 'T1w', 'T1w',..."
    """
    text = repr(value)
    return text if len(text) <= LONG else f"{text[: LONG - 3]}..."


def is_union(annotation: Any) -> bool:
    """Return whether an annotation offers alternatives or carries constraints."""
    return get_origin(annotation) in (Union, types.UnionType, Annotated)


def _messages(error: ValidationError) -> dict[Keys, str]:
    """Return one message by place: of alternatives, those of the one whose type was right, or else of all."""
    by_place = defaultdict[Keys, list[Any]](list)
    for e in error.errors(include_url=False):
        by_place[tuple(key for key in e["loc"] if isinstance(key, int))].append(e)
    messages = {}
    for at, errors in by_place.items():
        nearest = [e for e in errors if not e["type"].endswith(("_type", "_parsing"))] or errors
        messages[at] = f"{'; or: '.join(dict.fromkeys(map(_message, nearest)))}, found {short(errors[0]['input'])}"
    return messages


def _message(error: Any) -> str:
    return "needs at least one" if error["type"] == "too_short" and error["ctx"]["min_length"] == 1 else error["msg"]


def _plain_lists(value: Any) -> Any:
    return [_plain_lists(item) for item in value] if isinstance(value, tuple) else value
