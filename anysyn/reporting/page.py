"""The page: a run folder and its results to one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, StrictUndefined

from anysyn.data.files import replacing
from anysyn.registry import UserError
from anysyn.reporting.figures import as_data, curves_figure
from anysyn.reporting.results import results_section
from anysyn.training.folder import RunError, RunFolder


def report(
    run: str | Path,
    *,
    results: str | Path | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one self-contained HTML page about a run: results, examples, training, recipe, versions.

    Args:
        run: A run folder.
        results: Folder that `anysyn.evaluate` wrote; by default the run's own ``evaluation``.
        out: The page. By default ``report.html`` in the run folder, which follows from the run and so is made anew each
            time; a page elsewhere is only replaced if asked.
        overwrite: Whether a page elsewhere may be replaced.

    Returns:
        The page.

    Raises:
        RunError: If the folder is not a run.
        UserError: If the results are not there, or the page exists and may not be replaced.
    """
    folder = RunFolder(Path(run))
    if not folder.recipe.is_file():
        raise RunError(f"{folder.path} holds no recipe.yaml: it is not a run folder")
    page = folder.path / "report.html" if out is None else Path(out)
    if out is not None and page.exists() and not overwrite:
        raise UserError(f"{page} exists; allow replacing it with --overwrite, or choose another --out")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("anysyn.reporting").joinpath("page.html").read_text(encoding="utf-8"))
    text = template.render(**_content(folder, _results(folder, results)))
    with replacing(page, overwrite=True) as file:
        file.write(text.encode())
    return page


def _results(folder: RunFolder, results: str | Path | None) -> Path | None:
    if results is None:
        pointer = folder.path / "evaluation.json"
        latest = Path(json.loads(pointer.read_text())["results"]) if pointer.is_file() else folder.path / "evaluation"
        here = latest if latest.is_dir() else folder.path / "evaluation"  # the run folder may have been moved
        return here if (here / "cases.csv").is_file() else None
    if not (Path(results) / "cases.csv").is_file():
        raise UserError(f"{results} holds no cases.csv: it is no folder of results; make one with `anysyn evaluate`")
    return Path(results)


def _content(folder: RunFolder, results: Path | None) -> dict[str, Any]:
    recipe = folder.recipe.read_text(encoding="utf-8")
    tree = yaml.safe_load(recipe)
    names = ", ".join(tree["modalities"])
    paper = f" After {tree['paper']}." if tree.get("paper") else ""
    curves, speed = _curves(folder)
    return {
        "name": tree["name"],
        "about": f"One network for {names}.{paper}",
        "run": str(folder.path),
        "results": None if results is None else results_section(results),
        "curves": curves,
        "speed": speed,
        "samples": list(_samples(folder)),
        "recipe": recipe,
        "versions": "\n".join(f"{name} {version}" for name, version in folder.read("versions.json").items()),
    }


def _curves(folder: RunFolder) -> tuple[str, str]:
    if not folder.log.is_file():
        return "", ""
    training = pd.read_csv(folder.log)
    empty = pd.DataFrame(columns=["stage", "epoch", "term", "value"])
    validation = pd.read_csv(folder.validation) if folder.validation.is_file() else empty
    speed = f"Median speed of training: {training['speed'].median():.0f} samples a second."
    return as_data(curves_figure(training, validation)), speed


def _samples(folder: RunFolder) -> Iterator[dict[str, str]]:
    """Yield the last sample picture of each stage."""
    last = {path.name.split("-")[0]: path for path in sorted((folder.path / "samples").glob("*.png"))}
    for path in last.values():
        _, stage, epoch = path.stem.rsplit("-", 2) if path.stem.count("-") > 1 else ("", path.stem, "0")
        data = "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
        yield {"data": data, "name": f"{int(epoch)} epochs of {stage}"}
