"""How good maps of trust are where the truth is known: ``python benchmarks/trust.py RUN [--data COHORT]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor

from anysyn.data.records import Failure, listed
from anysyn.errors import UserError
from anysyn.progress import Bar
from anysyn.synthesis import load_run
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.trust.conformal import coverage
from anysyn.trust.evidence import EVIDENCE, gather
from anysyn.trust.trusted import Calibration, read_calibration

RIVALS = ("spread", "gradient", "intensity")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def main(
    run: Path,
    data: Annotated[Path | None, typer.Option(help="Cohort; that of the training by default.")] = None,
    split: Annotated[str, typer.Option(help="test, validation or all.")] = "test",
    resample_to: Annotated[str | None, typer.Option(help="Contrast whose grid the others are resampled to.")] = None,
) -> None:
    """Print, by target, correlation with the true error and coverage, means over people and pairs of sources."""
    try:
        loaded = load_run(run, accelerator="cpu")
        calibration, rows, failures = read_calibration(loaded), list[dict[str, float | str]](), list[Failure]()
        for subject in Bar().over("measure", loaded.inventory(data, split).subjects):
            with listed(failures, subject.key):
                study = loaded.prepare(subject, resample_to)
                rows += rows_of(loaded, calibration, study)
    except UserError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    print("\n".join(table(rows, calibration)))
    print("\n".join(f"failed: {failure}" for failure in failures))


def rows_of(run: LoadedRun, calibration: Calibration, study: object) -> list[dict[str, float | str]]:
    """Measure each contrast of a study, synthesized from all others."""
    rows: list[dict[str, float | str]] = []
    names = [name for name in run.recipe.modalities if name in study.images]  # type: ignore[attr-defined]
    for target in names:
        others = [name for name in names if name != target]
        made = gather(run, study, others, [target])[target]  # type: ignore[arg-type]
        inside = study.foreground  # type: ignore[attr-defined]
        error = (made.image - study.images[target]).abs()[inside]  # type: ignore[attr-defined]
        expected = calibration.calibrator.of_map(made.kinds, run.recipe.modalities.index(target))[inside]
        row: dict[str, float | str] = {
            "target": target,
            "error": float(error.mean()),
            "expected": float(expected.mean()),
        }
        row |= {"ours": correlation(expected, error), "ranks": correlation(ranks(expected), ranks(error))}
        row |= {f"{kind}": correlation(made.kinds[EVIDENCE.index(kind)][inside], error) for kind in RIVALS}
        rows.append(row | {"coverage": coverage(error, expected, calibration.quantiles[target])})
    return rows


def correlation(first: Tensor, second: Tensor) -> float:
    """Return Pearson's correlation."""
    return float(torch.corrcoef(torch.stack([first, second]))[0, 1])


def ranks(values: Tensor) -> Tensor:
    """Return the place of each value in their order."""
    return values.argsort().argsort().float()


def table(rows: list[dict[str, float | str]], calibration: Calibration) -> list[str]:
    """Return a Markdown table, a line for each target and one for their mean."""
    columns = ["error", "expected", "ours", "ranks", *RIVALS, "coverage"]
    names = list(dict.fromkeys(str(row["target"]) for row in rows))
    lines = [f"| target | n | {' | '.join(columns)} |", f"|:--|{'--:|' * (len(columns) + 1)}"]
    for name in [*names, "mean"]:
        own = [row for row in rows if name in (row["target"], "mean")]
        means = [sum(float(row[column]) for row in own) / len(own) for column in columns]
        lines.append(f"| {name} | {len(own)} | {' | '.join(f'{mean:.3f}' for mean in means)} |")
    return [*lines, f"intervals of {calibration.level:.0%}, calibrated on {calibration.people} people"]


if __name__ == "__main__":
    app()
