"""How good maps of trust are where the truth is known: ``python benchmarks/trust.py RUN [--data COHORT]``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from anysyn.data.records import Failure, listed
from anysyn.data.volumes.study import Study
from anysyn.errors import UserError
from anysyn.progress import Bar
from anysyn.synthesis import load_run
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.training.training_profile import spread
from anysyn.trust.conformal import coverage
from anysyn.trust.evidence import EVIDENCE, gather
from anysyn.trust.local import local_mean
from anysyn.trust.trusted import Calibration, read_calibration

RIVALS = ("spread", "gradient")
ABOUT = ("person", "site", "target")
Row = dict[str, float | str]
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    run: Path,
    data: Annotated[Path | None, typer.Option(help="Cohort; that of the training by default.")] = None,
    split: Annotated[str, typer.Option(help="test, validation or all.")] = "test",
    resample_to: Annotated[str | None, typer.Option(help="Contrast whose grid the others are resampled to.")] = None,
    most: Annotated[int | None, typer.Option(help="People at most, evenly spread.")] = None,
) -> None:
    """Print, by target and by site, correlation with the true error and coverage, means over syntheses."""
    try:
        loaded = load_run(run, accelerator="cpu")
        calibration, rows, failures = read_calibration(loaded), list[Row](), list[Failure]()
        subjects = loaded.inventory(data, split).subjects
        for subject in Bar().over("measure", spread(subjects, most or len(subjects))):
            with listed(failures, subject.key):
                study = loaded.prepare(subject, resample_to)
                rows += rows_of(loaded, calibration, study)
    except UserError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    print("\n".join(table(rows, calibration) if rows else []))
    print("\n".join(f"failed: {failure}" for failure in failures))


def rows_of(run: LoadedRun, calibration: Calibration, study: Study) -> list[Row]:
    """Measure each contrast of a study, synthesized from all others."""
    rows = list[Row]()
    names = [name for name in run.recipe.modalities if name in study.images]
    for target in names:
        others = [name for name in names if name != target]
        made = gather(run, study, others, [target])[target]
        inside = study.foreground
        error = (made.image - study.images[target]).abs()
        about = {"person": study.key, "site": study.dataset, "target": target}
        kinds = made.kinds[:, inside]  # (E, V)
        nearby = local_mean(error, inside)[inside]
        rows.append(
            about | measured(calibration, run.recipe.modalities.index(target), target, kinds, error[inside], nearby)
        )
    return rows


def measured(calibration: Calibration, number: int, target: str, kinds: Tensor, error: Tensor, nearby: Tensor) -> Row:
    """Compare what is expected of one synthesis with its true error.

    Args:
        calibration: What the maps are made by.
        number: Of the target in the recipe.
        target: Its name.
        kinds: (E, V), the evidence in the voxels of the head.
        error: (V,), the true absolute error.
        nearby: (V,), its mean over a cube of five voxels.
    """
    expected = calibration.calibrator.of_map(kinds[:, :, None, None], number).flatten()  # (V,)
    row: Row = {"error": float(error.mean()), "expected": float(expected.mean())}
    row |= {"correlation": correlation(expected, error), "of ranks": correlation(ranks(expected), ranks(error))}
    row |= {"nearby": correlation(expected, nearby), "of the best map": correlation(nearby, error)}
    row |= {f"of the {kind}": correlation(kinds[EVIDENCE.index(kind)], error) for kind in RIVALS}
    return row | {"coverage": coverage(error, expected, calibration.quantiles[target])}


def correlation(first: Tensor, second: Tensor) -> float:
    """Return Pearson's correlation."""
    return float(torch.corrcoef(torch.stack([first, second]))[0, 1])


def ranks(values: Tensor) -> Tensor:
    """Return the place of each value in their order."""
    return values.argsort().argsort().float()


def table(rows: Sequence[Row], calibration: Calibration) -> list[str]:
    """Return a Markdown table, a line for each target, each site and all, and how the coverage differs by person."""
    columns = [name for name in rows[0] if name not in ABOUT]
    lines = [f"| | n | {' | '.join(columns)} |", f"|:--|{'--:|' * (len(columns) + 1)}"]
    parts = [(key, value) for key in ("target", "site") for value in dict.fromkeys(row[key] for row in rows)]
    for key, value in [*parts, ("", "all")]:
        own = [row for row in rows if not key or row[key] == value]
        means = [sum(float(row[column]) for row in own) / len(own) for column in columns]
        lines.append(f"| {value} | {len(own)} | {' | '.join(f'{mean:.3f}' for mean in means)} |")
    lines.append(by_person(rows))
    return [*lines, f"intervals of {calibration.level:.0%}, calibrated on {calibration.people} people"]


def by_person(rows: Sequence[Row]) -> str:
    """Return the mean coverage over people, whose errors are exchangeable while voxels are not, with its error."""
    people = dict.fromkeys(row["person"] for row in rows)
    own = [[float(row["coverage"]) for row in rows if row["person"] == person] for person in people]
    each = torch.tensor([sum(values) / len(values) for values in own])
    error = float(each.std() / len(each) ** 0.5) if len(each) > 1 else float("nan")
    return (
        f"coverage of {len(each)} people: {each.mean():.3f} +- {error:.3f}, from {each.min():.2f} to {each.max():.2f}"
    )


if __name__ == "__main__":
    app()
