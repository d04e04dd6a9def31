"""Rails that keep the code as it is meant to be: docstrings, sizes, names, no hidden inputs, no private paths."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "anysyn").rglob("*.py"))}
FOLDERS = ("anysyn", "recipes", "tests", "examples", "docs", "benchmarks", ".ci")
SUFFIXES = {".py", ".yaml", ".md", ".toml", ".cfg", ".cff", ".html"}

FILE_LINES = 350
FUNCTION_LINES = 50
VAGUE_NAME = re.compile(r"(?:^|_)(?:utils?|manager|helper|process)s?(?:_|$)|^base_")
PRIVATE_PATH = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w")
LEFT_OVER = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def at(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def all_good(faults: Iterable[str]) -> None:
    found = list(faults)
    assert not found, "\n" + "\n".join(found)


def definitions() -> Iterator[tuple[Path, Definition]]:
    return ((path, node) for path, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, Definition))


def public(body: list[ast.stmt]) -> Iterator[Definition]:
    """Yield the public functions and classes of a body, and the public methods of those classes."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def texts() -> Iterator[tuple[Path, int, str]]:
    """Yield every line of the project's own text files."""
    files = [*ROOT.iterdir(), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    for path in files:
        if path.is_file() and (path.suffix in SUFFIXES or path.name in {"Makefile", "run"}):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                yield path, number, line


def words(name: str) -> str:
    """Write a name in lower case with underscores: ``RunManager`` becomes ``run_manager``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def first_line(node: Definition | ast.Module) -> str:
    return (ast.get_docstring(node) or "").partition("\n")[0]


def test_public_names_say_what_they_do_in_one_sentence() -> None:
    all_good(
        f"{at(path, node.lineno)}: {node.name}: the first line of its docstring must be a sentence with a full stop"
        for path, tree in TREES.items()
        for node in public(tree.body)
        if not first_line(node).endswith(".")
    )


def test_modules_say_what_they_hold() -> None:
    all_good(f"{at(path, 1)}: no docstring" for path, tree in TREES.items() if tree.body and not first_line(tree))


def test_files_are_short() -> None:
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in TREES}
    all_good(f"{at(path, n)}: {n} lines, at most {FILE_LINES}" for path, n in sizes.items() if n > FILE_LINES)


def test_functions_are_short() -> None:
    sizes = [
        (path, node, node.end_lineno - node.lineno + 1 - len((ast.get_docstring(node) or "").splitlines()))
        for path, node in definitions()
        if not isinstance(node, ast.ClassDef) and node.end_lineno
    ]
    all_good(
        f"{at(path, node.lineno)}: {node.name}: {n} lines without its docstring, at most {FUNCTION_LINES}"
        for path, node, n in sizes
        if n > FUNCTION_LINES
    )


def test_names_are_the_terms_of_the_field() -> None:
    named = [(path, 1, path.stem) for path in TREES] + [(path, node.lineno, node.name) for path, node in definitions()]
    all_good(f"{at(path, n)}: {name}: name the idea" for path, n, name in named if VAGUE_NAME.search(words(name)))


def test_nothing_reads_environment_variables() -> None:
    all_good(
        f"{at(path, node.lineno)}: take it as an argument or a recipe key"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.alias | ast.keyword)
        and {getattr(node, "attr", ""), getattr(node, "name", ""), getattr(node, "arg", "")}
        & {"environ", "environb", "getenv", "envvar"}
    )


def test_no_path_of_somebodys_machine() -> None:
    all_good(f"{at(path, n)}: {line.strip()}" for path, n, line in texts() if PRIVATE_PATH.search(line))


def test_nothing_is_left_for_later() -> None:
    all_good(f"{at(path, n)}: {line.strip()}" for path, n, line in texts() if LEFT_OVER.search(line))


def test_the_rails_hold() -> None:
    assert VAGUE_NAME.search(words("RunManager"))
    assert VAGUE_NAME.search("image_utils")
    assert VAGUE_NAME.search("base_encoder")
    assert not VAGUE_NAME.search("processed_images")
    assert PRIVATE_PATH.search("read " + "/" + "home/someone/data.nii")
    assert not PRIVATE_PATH.search("https://example.org/home/page, ../shared/data, out/work/t1.nii")
    assert LEFT_OVER.search("# TO" + "DO later")
