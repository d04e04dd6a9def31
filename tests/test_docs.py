"""The pages say what is true: links lead somewhere, commands and names exist, lists and files are in step."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import typer
from typer.core import TyperGroup

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("examples/**/*.md")])
LOG = DOCS / "experiments"  # what was run, with the code of its day: its commands are history
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
UNCLEAR = re.compile(r"\b(?:told|hears|deaf|as of which|of whom)\b|git checkout", re.IGNORECASE)
USERS = [ROOT / "README.md", *sorted(DOCS.glob("guide/*.md")), *sorted(DOCS.glob("methods/*.md"))]


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(language: str) -> Iterator[tuple[Path, str]]:
    pages = (page for page in PAGES if LOG not in page.parents)
    yield from ((page, code) for page in pages for tag, code in BLOCK.findall(text(page)) if tag == language)


def commands() -> list[list[str]]:
    """Return the words of each `anysyn` command that a page shows, without its comment."""
    lines = [line.partition(" #")[0].split() for _, code in blocks("") for line in code.splitlines()]
    return [words[1:] for words in lines if words[:1] == ["anysyn"] and words[1:]]


def anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives a page's headings."""
    headings = HEADING.findall(BLOCK.sub("", text(page)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_nowhere(page: Path, link: str) -> bool:
    place, _, anchor = link.partition("#")
    target = page.parent / place if place else page
    return not target.exists() or bool(anchor and target.suffix == ".md" and anchor not in anchors(target))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)", text(page))
    assert not [link for link in links if "://" not in link and leads_nowhere(page, link)]


def test_the_index_lists_every_page() -> None:
    index = text(DOCS / "index.md")
    pages = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md") if page.name != "index.md"]
    assert not [page for page in pages if f"]({page})" not in index]


@pytest.mark.parametrize("page", USERS, ids=lambda page: page.name)
def test_pages_for_users_are_in_plain_words_and_about_the_present(page: Path) -> None:
    assert not UNCLEAR.findall(text(page))


def test_commands_exist() -> None:
    from anysyn.cli import app

    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    assert commands()
    for words in commands():
        if words[:2] == ["probe", "air"]:
            continue  # of the example plugin, which tests/test_plugin.py installs
        command, name = group, "itself"
        while isinstance(command, TyperGroup) and words[0][0].islower():
            context = typer.Context(command)
            name, *words = words
            command = command.get_command(context, name)
            assert command is not None, f"no command {name!r}"
        options = {text for parameter in getattr(command, "params", ()) for text in parameter.opts}
        unknown = {word for word in words if word.startswith("-")} - options - {"--help"}
        assert not unknown, f"anysyn {name} has no {unknown}"


def written(*command: str) -> str:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def test_the_reference_of_parts_is_in_step() -> None:
    page = written("-c", "from anysyn.cli import app; app()", "list", "--markdown")
    assert text(DOCS / "reference" / "parts.md") == page, "anysyn list --markdown > docs/reference/parts.md"
    assert "|  |\n" not in page, "a key without a meaning: its docstring lacks it under Args"


def test_the_reference_of_commands_is_in_step() -> None:
    page = written("-m", "typer", "anysyn.cli", "utils", "docs", "--name", "anysyn")
    remedy = "typer anysyn.cli utils docs --name anysyn --output docs/reference/cli.md"
    assert text(DOCS / "reference" / "cli.md").split() == page.split(), remedy


def test_the_verbs_of_the_python_examples_can_be_called() -> None:
    import anysyn

    verbs = {
        node.attr
        for _, code in blocks("python")
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "anysyn"
    }
    assert verbs
    for name in verbs:
        found = getattr(anysyn, name, None)
        assert callable(found) or isinstance(found, ModuleType), f"anysyn.{name} cannot be called"


def test_the_guide_shows_the_recipe_as_it_is() -> None:
    recipe = text(ROOT / "recipes" / "small" / "label.yaml")
    shown = [code for page, code in blocks("yaml") if page == DOCS / "guide" / "train.md"]
    assert recipe in shown, "copy recipes/small/label.yaml into docs/guide/train.md again"


def test_every_promise_names_a_test() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text(DOCS / "reference" / "promises.md"))
    assert named
    assert not [(path, name) for path, name in named if f"def {name}(" not in text(ROOT / path)]
