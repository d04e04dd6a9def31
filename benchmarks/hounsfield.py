"""Where a synthetic CT is wrong, by tissue: ``python benchmarks/hounsfield.py RUN ... --source T1w``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

if TYPE_CHECKING:
    from torch import Tensor

TISSUES = {  # HU of the truth
    "air": (float("-inf"), -300.0),
    "fat": (-300.0, -30.0),
    "soft tissue": (-30.0, 200.0),
    "bone": (200.0, float("inf")),
    "all": (float("-inf"), float("inf")),
}
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Row(NamedTuple):
    """A person's error in a tissue: share of the foreground, mean absolute and mean signed error in HU."""

    method: str
    tissue: str
    share: float
    error: float
    bias: float


@app.command()
def main(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, for example those of leave_out.py.")],
    source: Annotated[str, typer.Option(help="T1w, or several: T1w+FDG-PET.")] = "T1w",
    split: Annotated[str, typer.Option(help="test, or validation to choose between recipes.")] = "test",
) -> None:
    """Print errors in HU by tissue of the model and two baselines on people of runs, means over people."""
    from anysyn.errors import explain

    try:
        lines = table([row for run in runs for row in rows_of(run, f"{source}:CT", split)])
    except Exception as error:
        if (said := explain(error)) is None:
            raise
        typer.echo("\n".join(said), err=True)
        raise typer.Exit(1) from None
    typer.echo("\n".join(lines))


def rows_of(folder: Path, pair: str, split: str) -> Iterator[Row]:
    """Yield the rows of each subject of a part of a run that has the images of a pair.

    Args:
        folder: The run folder.
        pair: For example ``"T1w:CT"``.
        split: ``test`` or ``validation``.
    """
    from anysyn.data.volumes.intensity_window import restore
    from anysyn.evaluation.baselines.fit import fit_baselines
    from anysyn.evaluation.pairs import parse_pairs
    from anysyn.evaluation.preparation import prepare_for
    from anysyn.progress import Progress
    from anysyn.synthesis import load_run

    run = load_run(folder, accelerator="cpu")
    [wanted] = parse_pairs(pair, run.recipe.modalities)
    baselines = fit_baselines(run, [wanted], root=None, seed=0, progress=Progress()).baselines[wanted]
    for subject in run.inventory(None, split).subjects:
        if wanted.within(subject.images):
            study, _ = prepare_for(run, subject, [wanted])
            images = {one.label: one.predict(study) for one in baselines}
            images["model"] = run.predict(study, wanted.sources, ["CT"])["CT"].float().cpu()
            inside, window = study.foreground, study.window("CT")
            values = {name: restore(image[inside], window) for name, image in images.items()}
            yield from _by_tissue(values, restore(study.images["CT"][inside], window))


def _by_tissue(values: Mapping[str, Tensor], truth: Tensor) -> Iterator[Row]:
    for tissue, (low, high) in TISSUES.items():
        here = (truth >= low) & (truth < high)
        for method, image in values.items():
            if here.any():
                errors = (image - truth)[here]
                yield Row(method, tissue, float(here.float().mean()), float(errors.abs().mean()), float(errors.mean()))


def table(rows: Sequence[Row]) -> list[str]:
    """Return a Markdown table, a line for each tissue and method.

    Args:
        rows: Those of all people.

    Example:
        >>> table([Row("model", "bone", 0.1, 200.0, -150.0)])[2]
        '| bone | model | 1 | 10 % | 200 | -150 |'
    """
    lines = ["| HU of the truth | method | people | of the body | mean absolute error | mean error |"]
    lines.append("|:--|:--|--:|--:|--:|--:|")
    for tissue in TISSUES:
        for method in ("model", "intensity regression", "source copied"):
            own = [row for row in rows if (row.method, row.tissue) == (method, tissue)]
            if own:
                share, error, bias = (sum(values) / len(own) for values in list(zip(*own, strict=True))[2:])
                lines.append(f"| {tissue} | {method} | {len(own)} | {share:.0%} | {error:.0f} | {bias:+.0f} |")
    return [line.replace("%", " %") for line in lines]


if __name__ == "__main__":
    app()
