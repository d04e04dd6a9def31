"""The command line: words to calls, no logic. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.evaluation import evaluate
from anysyn.cli.options import BatchSize, Dataset, Device, Devices, Overrides, Overwrite, Run
from anysyn.cli.outcome import attempt, print_lines, printed
from anysyn.cli.scanner_options import PERSON, asks, flags
from anysyn.cli.words import numbers, pair, words

app = typer.Typer(
    name="anysyn",
    help="Any-to-any medical image synthesis. What it writes is synthetic and not for clinical use.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("list")
def list_(
    kind: Annotated[str | None, typer.Argument(help="For example conditioners.", show_default=False)] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="All parts with all their keys, as a page.")] = False,
) -> None:
    """List every registered part with its one-line summary."""
    from anysyn.cli import catalogue, parts_page

    if markdown and kind:
        raise typer.BadParameter("--markdown writes the page of all kinds: leave the kind out")
    attempt(lambda: print_lines(parts_page.lines() if markdown else catalogue.lines(kind)))


@app.command()
def show(
    recipe: Annotated[str, typer.Argument(help="YAML file, or the name of a recipe that comes with anysyn.")],
    overrides: Overrides = None,
) -> None:
    """Show the resolved recipe, its parts, sites, parameter counts and memory."""
    from anysyn.cli.summary import lines

    attempt(lambda: print_lines(lines(recipe, tuple(overrides or ()))))


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from anysyn.recipe.schema import text

    attempt(lambda: typer.echo(text()))


@app.command()
@asks("With --like", without=["tracer", "manufacturer", *PERSON])
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder of the new cohort; with --like, the NIfTI file to write.")],
    subjects: Annotated[int, typer.Option(help="How many subjects.")] = 24,
    centres: Annotated[str, typer.Option("--centres", "--sites", help="How many centres, or which: E,F.")] = "4",
    spacing: Annotated[float, typer.Option(help="Voxel size in mm.")] = 2.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    labels: Annotated[Path | None, typer.Option(help="Folder of FreeSurfer label maps: whole heads.")] = None,
    contrasts: Annotated[str | None, typer.Option(help="T1w,T2w,CT instead of what the centres acquire.")] = None,
    vary: Annotated[bool, typer.Option("--vary", help="TR, TE, TI, flip angle of each from broad ranges.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
    like: Annotated[Path | None, typer.Option(help="COHORT/sub-001: one more image of this subject.")] = None,
    target: Annotated[str | None, typer.Option(help="With --like: its modality.")] = None,
    truth: Annotated[bool, typer.Option("--truth", help="With --like: without noise, shading and gain.")] = False,
    *,
    said: dict[str, Any],
) -> None:
    """Simulate a cohort with known truth, or any further acquisition of one of its subjects."""
    from anysyn import simulation
    from anysyn.acquisition import Acquisition
    from anysyn.progress import Bar

    if like is not None:
        acquisition = Acquisition(modality=target, **said)
        attempt(lambda: simulation.simulate_like(like.parent, like.name, acquisition, out=out, truth=truth))
        return
    if alone := [*(["--target"] if target else []), *(["--truth"] if truth else []), *flags(said)]:
        raise typer.BadParameter(f"{', '.join(alone)}: that asks for one image: add --like")
    attempt(
        lambda: simulation.simulate(
            out,
            subjects=subjects,
            centres=int(centres) if centres.isdecimal() else words(centres) or (),
            spacing=spacing,
            seed=seed,
            labels=labels,
            contrasts=words(contrasts),
            vary=vary,
            jobs=jobs,
            progress=Bar(),
        )
    )


@app.command()
def train(
    recipe: Annotated[str | None, typer.Argument(help="YAML file or recipe name; none with --resume.")] = None,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Run folder to make.", show_default=False)] = None,
    resume: Annotated[Path | None, typer.Option(help="Run folder to go on with.", show_default=False)] = None,
    accelerator: Device = "auto",
    devices: Devices = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Train a recipe, or go on with a run that was stopped."""
    from anysyn import training
    from anysyn.progress import Bar

    if resume is not None:
        if recipe or out or overwrite:
            raise typer.BadParameter("--resume goes on with a run as it is: it takes no recipe, overrides or --out")
        attempt(lambda: training.resume(resume, accelerator=accelerator, devices=devices, progress=Bar()))
        return
    if recipe is None or out is None:
        raise typer.BadParameter("training needs a recipe and --out RUN, or --resume RUN")
    attempt(
        lambda: training.train(
            recipe,
            out=out,
            overrides=overrides or (),
            overwrite=overwrite,
            accelerator=accelerator,
            devices=devices,
            progress=Bar(),
        )
    )


@app.command()
def adapt(
    run: Run,
    data: Annotated[Path, typer.Option(help="A few subjects of the new dataset: a folder or a CSV file.")],
    name: Annotated[str, typer.Option(help="What the new dataset is called, for --dataset.")],
    out: Annotated[Path, typer.Option(help="Run folder to make.")],
    epochs: Annotated[int, typer.Option(help="Passes over its subjects.")] = 30,
    lr: Annotated[float, typer.Option(help="Learning rate.")] = 1e-2,
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Add a dataset to a trained run; what it answers for the others stays the same bit for bit."""
    from anysyn import training
    from anysyn.progress import Bar

    how: dict[str, Any] = {"epochs": epochs, "lr": lr, "accelerator": accelerator, "overwrite": overwrite}
    attempt(lambda: training.adapt(run, data=data, name=name, out=out, progress=Bar(), **how))


@app.command()
@asks("Asked for")
def synthesize(
    run: Run,
    source: Annotated[list[str], typer.Option(help="T1w=t1.nii.gz; repeat for more sources.")],
    target: Annotated[list[str], typer.Option(help="Modality asked for; repeat for more.")],
    out: Annotated[Path, typer.Option(help="NIfTI file; with several targets, a folder.")],
    resample_to: Annotated[str | None, typer.Option(help="Source whose grid the others are resampled to.")] = None,
    target_spacing: Annotated[str | None, typer.Option(help="Voxel size in mm, for example 0.8,0.8,1.2.")] = None,
    target_json: Annotated[Path | None, typer.Option(help="How it is acquired: a BIDS JSON.")] = None,
    voxel: Annotated[str | None, typer.Option(help="Voxel size asked for; has to be that of the output.")] = None,
    dataset: Dataset = None,
    batch: BatchSize = 8,
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
    *,
    said: dict[str, Any],
) -> None:
    """Synthesize what is missing from the scans that are there, as if acquired as asked for."""
    from anysyn.synthesis import acquisition_of
    from anysyn.synthesis import synthesize as run_it

    edges = numbers(voxel, "--voxel")

    def answer() -> None:
        written = run_it(
            run,
            sources=dict(pair(word) for word in source),
            targets=target,
            out=out,
            resample_to=resample_to,
            spacing=numbers(target_spacing, "--target-spacing"),
            acquisition=acquisition_of(target_json, voxel_size_mm=edges and tuple(edges), **said),
            dataset=dataset,
            batch=batch,
            accelerator=accelerator,
            overwrite=overwrite,
        )
        print_lines(f"{path} (synthetic, not for clinical use)" for path in written)

    attempt(answer)


@app.command()
def complete(
    run: Run,
    data: Annotated[Path, typer.Option(help="Subjects that lack contrasts: a folder or a CSV file.")],
    out: Annotated[Path, typer.Option(help="Folder of what is written; what is there is not made again.")],
    targets: Annotated[str | None, typer.Option(help="T2w,FLAIR instead of all that the run was trained for.")] = None,
    sources: Annotated[str | None, typer.Option(help="T1w,T2w: what may be shown, best first.")] = None,
    resample_to: Annotated[str | None, typer.Option(help="Source whose grid the others are resampled to.")] = None,
    dataset: Dataset = None,
    batch: BatchSize = 8,
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Synthesize every contrast that the subjects of a folder lack; made again, go on where it stopped."""
    from anysyn.progress import Bar
    from anysyn.synthesis import complete as run_it

    asked: dict[str, Any] = {"targets": words(targets), "sources": words(sources), "resample_to": resample_to}
    asked |= {"dataset": dataset, "batch": batch, "accelerator": accelerator, "overwrite": overwrite}
    attempt(lambda: printed(run_it(run, data=data, out=out, progress=Bar(), **asked)))


app.command()(evaluate)


@app.command()
def report(
    run: Run,
    results: Annotated[Path | None, typer.Option(help="Results to show; the run's latest by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="HTML page; RUN/report.html by default.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write one self-contained HTML page about a run."""
    from anysyn.reporting import report as run_it

    attempt(lambda: typer.echo(run_it(run, results=results, out=out, overwrite=overwrite)))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder of the demo.")] = Path("demo"),
    overwrite: Overwrite = False,
) -> None:
    """Simulate, train, synthesize, evaluate and report, in a few minutes."""
    from anysyn.cli.demonstration import demo as run_it
    from anysyn.progress import Bar

    attempt(lambda: run_it(out, overwrite=overwrite, progress=Bar()))
