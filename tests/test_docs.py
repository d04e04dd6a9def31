"""The pages say what is true: links lead somewhere, commands and names exist, files shown are the files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        yield from ((page, code) for tag, code in BLOCK.findall(page.read_text(encoding="utf-8")) if tag == language)


def commands() -> list[list[str]]:
    """Return the words of each `anysyn` command that a page shows, without its comment."""
    lines = [line.partition(" #")[0].split() for _, code in blocks("") for line in code.splitlines()]
    return [words[1:] for words in lines if words[:1] == ["anysyn"] and words[1:]]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not broken


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    missing = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "index.md" and page.name not in index]
    assert not missing


def test_commands_exist() -> None:
    from anysyn.cli import app

    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    assert commands()
    for name, *rest in commands():
        assert name in group.commands, f"no command {name!r}"
        command = group.commands[name]
        if isinstance(command, TyperGroup) and not rest[0].startswith("-"):  # a probe has options of its own
            command = command.get_command(typer.Context(command), rest.pop(0))
        options = {text for parameter in command.params for text in parameter.opts}
        unknown = {word for word in rest if word.startswith("-")} - options - {"--help"}
        assert not unknown, f"anysyn {name} has no {unknown}"


def test_the_verbs_of_the_python_examples_can_be_called() -> None:
    import anysyn

    asked = {
        node.attr
        for _, code in blocks("python")
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "anysyn"
    }
    assert asked
    for name in asked:
        assert callable(getattr(anysyn, name, None)), f"anysyn.{name} cannot be called"


def test_the_readme_shows_the_recipe_as_it_is() -> None:
    recipe = (ROOT / "recipes" / "small" / "label.yaml").read_text(encoding="utf-8")
    shown = [code for page, code in blocks("yaml") if page.name == "README.md"]
    assert recipe in shown, "copy recipes/small/label.yaml into README.md again"
