"""Compare runs on the people of their validation: ``python benchmarks/limb/choose.py RUN ... --pairs T1w:CT``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Case(NamedTuple):
    """What one synthesis of a run is worth: PSNR in dB and SSIM, protocol `anysyn`."""

    run: str
    pair: str
    subject: str
    psnr: float
    ssim: float


@app.command()
def command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders with the same validation.")],
    pairs: Annotated[str, typer.Option(help="T1w:CT,T1w+CT:FDG-PET.")],
) -> None:
    """Print PSNR and SSIM of each run and pair, means over the people of the validation, and over the pairs."""
    from anysyn.errors import explain

    try:
        lines = table([case for run in runs for case in cases_of(run, pairs)])
    except Exception as error:
        if (said := explain(error)) is None:
            raise
        typer.echo("\n".join(said), err=True)
        raise typer.Exit(1) from None
    typer.echo("\n".join(lines))


def cases_of(folder: Path, pairs: str) -> Iterator[Case]:
    """Yield the cases of a run.

    Args:
        folder: The run folder; its name stands in the table.
        pairs: For example ``"T1w:CT,CT:T1w"``.
    """
    from anysyn.evaluation.metrics.measure import measure
    from anysyn.evaluation.metrics.protocol import protocol
    from anysyn.evaluation.pairs import parse_pairs
    from anysyn.evaluation.preparation import prepare_for
    from anysyn.synthesis import load_run

    run = load_run(folder, accelerator="cpu")
    asked = parse_pairs(pairs, run.recipe.modalities)
    for subject in run.inventory(None, "validation").subjects:
        study, _ = prepare_for(run, subject, asked)
        for pair in asked:
            made = run.predict(study, pair.sources, [pair.target])[pair.target].float().cpu()
            found = measure(made, study.images[pair.target], study.foreground, protocol("anysyn"))
            yield Case(folder.name, str(pair), subject.key, found["psnr"], found["ssim"])


def table(cases: Sequence[Case]) -> list[str]:
    """Return a Markdown table, a line for each run: PSNR and SSIM of each pair, then the means over the pairs.

    Args:
        cases: Those of all runs, each with the same pairs.

    Example:
        >>> table([Case("a", "T1w → CT", "sub-1", 20.0, 0.5), Case("a", "T1w → CT", "sub-2", 22.0, 0.7)])[2]
        '| a | 21.00 / 0.600 | 21.00 / 0.600 |'
    """
    names = list(dict.fromkeys(case.pair for case in cases))
    lines = [f"| run | {' | '.join(names)} | all |", "|:--|" + "--:|" * (len(names) + 1)]
    for run in dict.fromkeys(case.run for case in cases):
        own = [case for case in cases if case.run == run]
        cells = [_mean([case for case in own if case.pair == name]) for name in names]
        lines.append(f"| {run} | {' | '.join([*cells, _mean(own)])} |")
    return lines


def _mean(cases: Sequence[Case]) -> str:
    psnr, ssim = (sum(values) / len(cases) for values in zip(*(case[3:] for case in cases), strict=True))
    return f"{psnr:.2f} / {ssim:.3f}"


if __name__ == "__main__":
    app()
