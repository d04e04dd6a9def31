"""The notebooks do what they say: their cells run in order, in one interpreter, without a kernel."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def run_cells(tmp_path_factory):
    """Return a function that runs a notebook in a folder of its own, and returns its names."""

    def run(path):
        names = {}
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), str(path), "exec"), names)
        return names

    return run


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # a training of few people doubts everybody
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_cells_run(path, run_cells, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")
    names = run_cells(path)
    answers = {
        "first_synthesis": lambda: 5 < names["score"] < 40 and names["t2"].shape == names["t1"].shape,
        "own_network": lambda: sum(names["history"][-10:]) < 0.5 * sum(names["history"][:10]),
        "read_results": lambda: (
            {"model", "intensity regression"} <= set(names["cases"]["method"]) and len(names["gain"]) > 1
        ),
    }
    assert answers[path.stem]()
    assert not list(tmp_path.iterdir()), "a notebook that is run again, or beside another one, finds what it wrote here"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_kept(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    assert len({cell["id"] for cell in cells}) == len(cells)
