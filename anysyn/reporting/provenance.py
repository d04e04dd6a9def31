"""Provenance: the versions, seeds and hashes behind a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anysyn.reporting.results import Results
from anysyn.synthesis.written_images import digest
from anysyn.training.run_folder.folder import RunFolder


def versions_of(run: RunFolder, results: Results | None) -> list[tuple[str, str, str]]:
    """Return the version of each library in training and in evaluation; empty if it was not recorded."""
    trained = run.read("versions.json") if (run.path / "versions.json").is_file() else {}
    evaluated = {} if results is None else results.record["versions"]
    return [(name, trained.get(name, ""), evaluated.get(name, "")) for name in sorted({**trained, **evaluated})]


def seeds_of(recipe: Mapping[str, Any], results: Results | None) -> list[tuple[str, str]]:
    """Return what every draw follows from.

    Example:
        >>> seeds_of({"seed": 3, "data": {"split": {"seed": 0}}}, None)
        [('training', '3'), ('split', '0')]
    """
    seeds = [("training", recipe["seed"]), ("split", recipe["data"]["split"]["seed"])]
    if results is not None:
        seeds.append(("evaluation", results.record["seed"]))
    return [(name, str(seed)) for name, seed in seeds]


def hashes_of(run: RunFolder) -> list[tuple[str, str]]:
    """Return the SHA-256 of recipe and weights, which the sidecar of every synthesized image names too."""
    return [(path.name, digest(path)) for path in (run.recipe, run.weights) if path.is_file()]
