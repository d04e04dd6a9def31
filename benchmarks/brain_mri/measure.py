"""How `brain-mri` does on real people who did not train it: ``python benchmarks/brain_mri/measure.py --help``.

Every choice of sources of every target, against copying, an intensity regression fitted on other real people, and, with
``--rival``, further runs. Each run prepares the images by its own recipe; the protocol compares each with the truth as
that recipe prepared it, scaled to the truth's percentiles, so that runs of different scales stand side by side.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
import typer

if TYPE_CHECKING:
    from anysyn.data.records import Subject
    from anysyn.evaluation.pairs import Pair
    from anysyn.synthesis.loaded_run import LoadedRun

app = typer.Typer(add_completion=False)
METRICS = ("psnr", "psnr_scaled", "ssim")
VOXELS = 30_000  # of each person that the regression is fitted on


@app.command()
def command(
    run: Annotated[str, typer.Argument(help="Run folder, or name of a packaged run.")],
    people: Annotated[Path, typer.Option(help="Folder or table of the real people.")],
    test: Annotated[str, typer.Option(help="Subjects to measure: sub-07,sub-26; the others fit the regression.")],
    rival: Annotated[str, typer.Option(help="Further runs: LABEL=FOLDER,LABEL=FOLDER.")] = "",
    most: Annotated[int, typer.Option(help="Most sources of a query.", min=1)] = 1,
    out: Annotated[Path | None, typer.Option(help="CSV to write: a row a case.")] = None,
) -> None:
    """Print the mean of each method, by number of sources, and write every case."""
    from anysyn.data.subjects.find import find_subjects

    subjects = find_subjects(people).subjects
    chosen = {name for name in test.split(",") if name}
    tested = [subject for subject in subjects if subject.key in chosen]
    if len(tested) != len(chosen):
        raise typer.BadParameter(f"--test {test}: choices: {', '.join(subject.key for subject in subjects)}")
    others = [subject for subject in subjects if subject.key not in chosen]
    runs = {"run": run} | dict(pair.split("=", 1) for pair in rival.split(",") if pair)
    cases = pd.DataFrame(list(_cases(runs, tested, others, most)))
    if out is not None:
        cases.to_csv(out, index=False)
    cases["sources"] = cases["sources"].str.count(r"\+") + 1
    print(cases.groupby(["method", "sources"])[list(METRICS)].mean().round(3).to_string())
    single = cases[cases["sources"] == 1]
    print(single.pivot_table(index="pair", columns="method", values="psnr").round(2).to_string())


def _cases(
    runs: Mapping[str, str], tested: Sequence[Subject], others: Sequence[Subject], most: int
) -> Iterator[dict[str, Any]]:
    from anysyn.synthesis import load_run

    for label, folder in runs.items():
        loaded = load_run(folder)
        pairs = _pairs(loaded.recipe.modalities, most)
        fitted = _regressions(loaded, others, pairs) if label == "run" else {}
        for subject in tested:
            yield from _of_subject(loaded, subject, label, pairs, fitted)


def _pairs(names: Sequence[str], most: int) -> list[Pair]:
    from anysyn.evaluation.pairs import Pair

    choices = (sources for count in range(1, most + 1) for sources in itertools.combinations(names, count))
    return [Pair(sources, target) for sources in choices for target in names if target not in sources]


def _regressions(run: LoadedRun, others: Sequence[Subject], pairs: Sequence[Pair]) -> dict[Pair, Any]:
    """Fit the regression of each pair on voxels of real people, as the run prepares them."""
    from anysyn.evaluation.baselines.voxelwise import IntensityRegression, draw_voxels, stack

    names, draw = tuple(run.recipe.modalities), np.random.default_rng(0)
    usable = [subject for subject in others if len(set(subject.images) & set(names)) > 1]
    voxels = stack([draw_voxels(run.prepare(subject), names, VOXELS, draw) for subject in usable])
    known = set(np.array(names)[~np.isnan(voxels.values).all(0)])
    return {pair: IntensityRegression(pair, voxels) for pair in pairs if {*pair.sources, pair.target} <= known}


def _of_subject(
    run: LoadedRun, subject: Subject, label: str, pairs: Sequence[Pair], fitted: Mapping[Pair, Any]
) -> Iterator[dict[str, Any]]:
    study = run.prepare(subject)
    here = [pair for pair in pairs if {*pair.sources, pair.target} <= set(study.images)]
    for sources in dict.fromkeys(pair.sources for pair in here):
        asked = [pair for pair in here if pair.sources == sources]
        predicted = run.predict(study, sources, [pair.target for pair in asked])
        for pair in asked:
            images = {label: predicted[pair.target]}
            if label == "run":
                images["source copied"] = study.images[sources[0]]
            if pair in fitted:
                images["regression"] = fitted[pair].predict(study)
            for method, image in images.items():
                row = {"subject": subject.key, "method": method, "sources": "+".join(sources), "pair": str(pair)}
                yield row | _values(image, study, pair.target)


def _values(image: Any, study: Any, target: str) -> dict[str, float]:
    from anysyn.evaluation.metrics.measure import measure
    from anysyn.evaluation.metrics.protocol import Protocol

    protocol = Protocol(name="brain", percentiles=(0.0, 99.5), metrics=METRICS)
    return measure(image.float().cpu(), study.images[target], study.foreground, protocol)


if __name__ == "__main__":
    app()
