"""Every number that a user can give has its bounds: options of commands, keys of recipes, arguments of functions."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, get_type_hints

import numpy as np
import pytest
import typer

import anysyn
from anysyn.bounds import AtLeastOne, Count, Positive, Seed, Share, check_number, needs_an_item, numbers_in
from anysyn.cli import app
from anysyn.errors import UserError
from anysyn.plugins import enrol
from anysyn.probes.catalogue import find_probe, probe_names
from anysyn.recipe.check import fields_of
from anysyn.recipe.sections import Recipe
from anysyn.registry import find, is_given, kinds, names, parameters

FREE = {  # numbers of any size, and why
    ("corruption", "level"): "each corruption has bounds of its own, as the class attribute `bounds`",
    ("prepare", "windows"): "intensities in the unit of the files; that they rise is checked with the modality",
    ("shortcut", "initial"): "a weight that is learned, of either sign",
}
FREE_ARGUMENTS = {
    "bids": "values of BIDS labels: they name files, and are no amounts",
    "devices": "a count, or the word auto; Lightning refuses what is no count",
    "spacing": "three lengths, which `output_grid` checks by what is written on the command line",
}
FUNCTIONS = [name for name in anysyn.__all__ if inspect.isfunction(getattr(anysyn, name)) and name != "register"]


def commands(group: Any, path: str = "anysyn") -> Iterator[tuple[str, Any]]:
    """Yield all commands with their names, those of the probes too."""
    if not hasattr(group, "list_commands"):
        yield path, group
        return
    for name in group.list_commands(None):
        yield from commands(group.get_command(None, name), f"{path} {name}")


def refusal(command: Any, option: str, value: str) -> str:
    """Return what the parser says of a value; nothing is run."""
    try:
        command.make_context(command.name, [f"{option}={value}"])
    except Exception as error:  # typer brings its own copy of click, so its classes have no public name
        return f"{getattr(error, 'param_hint', None) or getattr(error, 'param', '')}: {error}"
    return ""


def numeric_options() -> list[tuple[str, Any, str]]:
    return [
        (path, command, option.opts[0])
        for path, command in commands(typer.main.get_command(app))
        for option in command.params
        if option.opts[0].startswith("--")
        and "valid" in (said := refusal(command, option.opts[0], "x"))
        and "a valid" in said
    ]


def keys() -> list[tuple[str, str, str, Any]]:
    """List each key of a registered part that takes numbers."""
    enrol()
    probe_names()
    return [
        (kind, name, key, hint)
        for kind in kinds()
        for name in names(kind)
        for key, (hint, _) in parameters(find(kind, name)).items()
        if not is_given(hint) and list(numbers_in(hint))
    ]


def fields(record: Any = Recipe, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each number in the sections of a recipe."""
    for name, hint in fields_of(record)[0].items():
        for inner in sections(hint):
            yield from fields(inner, f"{path}{name}.")
        if list(numbers_in(hint)):
            yield f"{path}{name}", hint


def sections(hint: Any) -> Iterator[Any]:
    if isinstance(hint, type) and is_dataclass(hint):
        yield hint
    for inner in getattr(hint, "__args__", ()):
        yield from sections(inner)


def bounded(hint: Any) -> bool:
    return all(bounds for _, bounds in numbers_in(hint))


def test_every_number_of_the_command_line_has_a_range() -> None:
    options = numeric_options()
    assert len(options) > 30
    for path, command, option in options:
        assert "Input should be greater" in refusal(command, option, "-1"), f"{path} {option}: give it min="
        assert "Input should be" in refusal(command, option, "nan"), f"{path} {option}"


def test_every_number_of_a_part_has_bounds_or_a_reason() -> None:
    assert len(keys()) > 150
    for kind, name, key, hint in keys():
        assert bounded(hint) or (kind, key) in FREE, f"{kind} {name}: {key}: use a type of anysyn.bounds"
    known = {(kind, key) for kind, _, key, hint in keys() if not bounded(hint)}
    assert known == set(FREE), "a reason that nothing needs"


def test_every_number_of_the_sections_has_bounds() -> None:
    found = dict(fields())
    assert {"seed", "data.split.seed", "data.split.train", "stages.epochs", "stages.steps.begin"} <= set(found)
    for path, hint in found.items():
        assert bounded(hint) or path.endswith("data.bids"), path  # values of labels, which are no amounts


def test_every_number_of_a_probe_has_bounds() -> None:
    for name in probe_names():
        for key, field in find_probe(name).options.model_fields.items():
            if field.annotation in (int, float):
                assert field.metadata, f"probe {name}: {key}: give it ge="


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_number_of_a_function_has_bounds_that_are_checked(name: str) -> None:
    function = getattr(anysyn, name)
    numeric = {k: hint for k, hint in get_type_hints(function, include_extras=True).items() if list(numbers_in(hint))}
    for key, hint in numeric.items():
        if key == "return" or (key in FREE_ARGUMENTS and not bounded(hint)):
            continue
        assert bounded(hint), f"{name}: {key}"
        needed = {p.name: "x" for p in inspect.signature(function).parameters.values() if p.default is p.empty}
        with pytest.raises(UserError, match=f"^{key}: -1 is not a (whole )?number"):
            function(**needed, **{key: -1})


@pytest.mark.parametrize(
    ("value", "hint", "fits"),
    [
        (1, Count, True),
        (0, Count, False),
        (1.5, Count, False),
        (np.int64(-3), Count, False),
        (None, Count | None, True),
        (float("nan"), Share, False),
        (float("inf"), Positive, False),
        (0.0, Positive, False),
        (2**63, Seed, False),
        ([1, 2, 0], Sequence[Count], False),
        (["sub-1"], Share | Sequence[str], True),
        ("auto", Count | str, True),
    ],
)
def test_a_number_outside_is_refused_in_one_line(value: Any, hint: Any, fits: bool) -> None:
    if fits:
        check_number("it", value, hint)
        return
    with pytest.raises(UserError, match=r"^it: .* is not a (whole )?number [^\n]*$"):
        check_number("it", value, hint)


def test_a_list_that_must_not_be_empty_is_known() -> None:
    assert needs_an_item(AtLeastOne[Count])
    assert not needs_an_item(Mapping[str, int])
