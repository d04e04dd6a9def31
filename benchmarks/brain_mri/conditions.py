"""What a coarser scan, and a skull, cost `brain-mri`: ``python benchmarks/brain_mri/conditions.py --help``.

The truth stays as it is, and the same voxels are compared, those of the brain; so what changes is the source alone.
Beside the PSNR stands the bias, the mean of synthesis less truth in percent of the bright end of the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
import typer

if TYPE_CHECKING:
    from torch import Tensor

    from anysyn.data.records import Subject
    from anysyn.data.volumes.study import Study

app = typer.Typer(add_completion=False)
Run = Annotated[str, typer.Argument(help="Run folder, or name of a packaged run.")]


@app.command()
def voxels(
    run: Run,
    people: Annotated[Path, typer.Option(help="Folder or table of people with voxels of about 1 mm.")],
    test: Annotated[str, typer.Option(help="Subjects to measure: sub-07,sub-26.")],
    factors: Annotated[str, typer.Option(help="Thickness of axial slices in voxels.")] = "1,2,3,5",
) -> None:
    """Print the mean over the pairs for sources of thicker and thicker slices."""
    from anysyn.evaluation.degradation.thick_slices import Degradation, brought_back, degraded
    from anysyn.synthesis import load_run

    loaded, rows = load_run(run), list[dict[str, Any]]()
    for subject in _subjects(people, set(test.split(","))):
        study = loaded.prepare(subject)
        for factor in (float(word) for word in factors.split(",")):
            how = Degradation(axis=2, factor=factor, fwhm=factor if factor > 1 else 0.0)
            seen = replace(study, images=brought_back(degraded(study, list(study.images), how), study))
            for source in study.images:
                targets = [name for name in study.images if name != source]
                for target, image in loaded.predict(seen, [source], targets).items():
                    rows.append({"slices of": factor, "pair": f"{source}:{target}"} | _values(image, study, target))
    _show(rows, "slices of")


@app.command()
def skull(
    run: Run,
    heads: Annotated[Path, typer.Option(help="People with their skulls.")],
    brains: Annotated[Path, typer.Option(help="The same people and images on the same grids without.")],
) -> None:
    """Print the mean over the pairs for whole heads and for the same brains alone."""
    from anysyn.synthesis import load_run

    loaded, rows = load_run(run), list[dict[str, Any]]()
    whole = {subject.key: subject for subject in _subjects(heads)}
    for subject in _subjects(brains):
        brain, head = loaded.prepare(subject), loaded.prepare(whole[subject.key])
        for source in brain.images:
            targets = [name for name in brain.images if name != source]
            alone, inside = (loaded.predict(study, [source], targets) for study in (brain, head))
            truth = replace(brain, images={name: _cut(head.images[name], head, brain) for name in targets})
            for name in targets:
                pair = {"pair": f"{source}:{name}"}
                rows.append({"source": "brain alone"} | pair | _values(alone[name], brain, name))
                rows.append({"source": "whole head"} | pair | _values(_cut(inside[name], head, brain), truth, name))
    _show(rows, "source")


def _subjects(people: Path, chosen: set[str] | None = None) -> Iterator[Subject]:
    from anysyn.data.subjects.find import find_subjects

    yield from (one for one in find_subjects(people).subjects if chosen is None or one.key in chosen)


def _cut(image: Tensor, head: Study, brain: Study) -> Tensor:
    """Cut the box of the brain's grid out of an image on the head's: (X, Y, Z) to (x, y, z)."""
    first = np.linalg.solve(head.affine, brain.affine[:, 3])[:3]
    if not np.allclose(first, first.round(), atol=1e-3):
        raise typer.BadParameter("--heads and --brains: are not on the same grids")
    return image[tuple(slice(a, a + n) for a, n in zip(first.round().astype(int), brain.grid.shape, strict=True))]


def _values(image: Tensor, study: Study, target: str) -> dict[str, float]:
    from anysyn.evaluation.metrics.measure import measure
    from anysyn.evaluation.metrics.protocol import Protocol

    protocol, truth = Protocol(name="brain", percentiles=(0.0, 99.5), metrics=("psnr", "ssim")), study.images[target]
    inside = study.foreground
    bright = float(np.percentile(truth[inside].numpy(), 99.5))
    bias = 100 * float((image.float().cpu() - truth)[inside].mean()) / bright
    return measure(image.float().cpu(), truth, inside, protocol) | {"bias": bias}


def _show(rows: list[dict[str, Any]], condition: str) -> None:
    table = pd.DataFrame(rows)
    table["size of bias"] = table["bias"].abs()
    print(table.groupby(condition)[["psnr", "ssim", "bias", "size of bias"]].mean().round(3).to_string())
    print(table.pivot_table(index="pair", columns=condition, values=["psnr", "bias"]).round(2).to_string())


if __name__ == "__main__":
    app()
