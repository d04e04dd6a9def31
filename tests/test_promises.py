"""Each promise of docs/reference/promises.md names the tests that hold it, and these exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "promises.md"
ROW = re.compile(r"^\| (?P<promise>.+?) \| (?P<tests>.+?) \|$", re.MULTILINE)


def promises() -> list[tuple[str, list[str]]]:
    rows = [(row["promise"], row["tests"]) for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))]
    return [(promise, re.findall(r"`([^`]+)`", tests)) for promise, tests in rows if promise != "promise"]


def names_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_a_test_that_exists() -> None:
    assert len(promises()) > 15
    for promise, tests in promises():
        assert tests, promise
        for test in tests:
            file, _, name = test.partition("::")
            defined = names_of(ROOT / file)  # a file alone: all of its tests
            assert name in defined if name else any(own.startswith("test_") for own in defined), f"{promise}: no {test}"
