"""How well scales of intensity carry from scan to scan: ``python benchmarks/brain_mri/scales.py --help``.

An intensity regression of each pair of contrasts is fitted on some people, as each scale prepares their images, and
measured on others: real ones on each other, one left out at a time; simulated ones on simulated and on real ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
import typer

if TYPE_CHECKING:
    from anysyn.data.prepare import Preparation
    from anysyn.data.volumes.study import Study

app = typer.Typer(add_completion=False)
CONTRASTS = ("T1w", "T1c", "T2w", "FLAIR")
VOXELS = 10_000  # of each person that a regression is fitted on
METRICS = ("psnr", "psnr_scaled")


@app.command()
def command(
    real: Annotated[Path, typer.Option(help="Folder or table of real people with four contrasts.")],
    simulated: Annotated[Path, typer.Option(help="Folder or table of simulated people.")],
    most: Annotated[int, typer.Option(help="Simulated people to fit on; as many others are measured.", min=1)] = 3,
) -> None:
    """Print PSNR, as prepared and up to one factor a volume, for each scale."""
    from anysyn.data.prepare import DeepMedian, Rescale, WhiteStripe

    rows = list[dict[str, Any]]()
    for label, scale in {"rescale": Rescale(), "white_stripe": WhiteStripe(), "deep_median": DeepMedian()}.items():
        people, made = _prepared(real, scale), _prepared(simulated, scale)[: 2 * most]
        for number, study in enumerate(people):
            others = [other for n, other in enumerate(people) if n != number]
            rows += _cases(others, [study], {"scale": label, "fitted on": "real", "measured on": "real"})
        rows += _cases(made[:most], people, {"scale": label, "fitted on": "simulated", "measured on": "real"})
        rows += _cases(made[:most], made[most:], {"scale": label, "fitted on": "simulated", "measured on": "simulated"})
    table = pd.DataFrame(rows).groupby(["fitted on", "measured on", "scale"])[list(METRICS)].mean()
    print(table.round(2).to_string())


def _prepared(root: Path, scale: Preparation) -> list[Study]:
    from anysyn.data.prepare import Canonical, Nonnegative, Pipeline
    from anysyn.data.subjects.find import find_subjects
    from anysyn.data.volumes.study import read_study

    pipeline = Pipeline((Canonical(), Nonnegative(), scale))
    return [pipeline(read_study(subject, modalities=CONTRASTS))[0] for subject in find_subjects(root).subjects]


def _cases(fitted_on: Sequence[Study], people: Sequence[Study], about: dict[str, str]) -> Iterator[dict[str, Any]]:
    from anysyn.evaluation.baselines.voxelwise import IntensityRegression, draw_voxels, stack
    from anysyn.evaluation.metrics.measure import measure
    from anysyn.evaluation.metrics.protocol import Protocol
    from anysyn.evaluation.pairs import Pair

    draw = np.random.default_rng(0)
    voxels = stack([draw_voxels(study, CONTRASTS, VOXELS, draw) for study in fitted_on])
    protocol = Protocol(name="scales", percentiles=(0.0, 99.5), metrics=METRICS)
    here = [name for name in CONTRASTS if all(name in study.images for study in (*fitted_on, *people))]
    for source, target in itertools.permutations(here, 2):
        regression = IntensityRegression(Pair((source,), target), voxels)
        for study in people:
            image = regression.predict(study)
            yield about | measure(image, study.images[target], study.foreground, protocol)


if __name__ == "__main__":
    app()
