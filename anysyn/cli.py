"""The command line: words to calls, no logic. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="anysyn",
    help="Any-to-any medical image synthesis. What it writes is synthetic and not for clinical use.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Run = Annotated[Path, typer.Argument(help="Run folder.", show_default=False)]
Overrides = Annotated[list[str] | None, typer.Argument(help="path.to.key=value ...", show_default=False)]
Device = Annotated[str, typer.Option(help="auto, cpu, gpu or mps.")]
Devices = Annotated[str, typer.Option(help="How many devices; under torchrun its processes decide.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Allow replacing what is there.")]
BatchSize = Annotated[int, typer.Option(help="Slices or patches at once: bounds the memory.")]


@app.command("list")
def list_(
    kind: Annotated[str | None, typer.Argument(help="For example conditioners.", show_default=False)] = None,
) -> None:
    """List every registered part with its one-line summary."""
    from anysyn.catalogue import lines

    _answer(lambda: _print(lines(kind)))


@app.command()
def show(
    recipe: Annotated[str, typer.Argument(help="YAML file, or the name of a recipe that comes with anysyn.")],
    overrides: Overrides = None,
) -> None:
    """Show the resolved recipe, its parts, sites, parameter counts and memory."""
    from anysyn.summary import lines

    _answer(lambda: _print(lines(recipe, tuple(overrides or ()))))


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from anysyn.recipe.schema import text

    _answer(lambda: typer.echo(text()))


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder of the new cohort; with --like, the NIfTI file to write.")],
    subjects: Annotated[int, typer.Option(help="How many subjects.")] = 24,
    sites: Annotated[int, typer.Option(help="How many sites.")] = 4,
    spacing: Annotated[float, typer.Option(help="Voxel size in mm.")] = 2.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    labels: Annotated[Path | None, typer.Option(help="Folder of FreeSurfer label maps: whole heads.")] = None,
    contrasts: Annotated[str | None, typer.Option(help="T1w,T2w,CT instead of what the sites acquire.")] = None,
    vary: Annotated[bool, typer.Option("--vary", help="TR, TE, TI, flip angle of each from broad ranges.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
    like: Annotated[Path | None, typer.Option(help="COHORT/sub-001: one more image of this subject.")] = None,
    target: Annotated[str | None, typer.Option(help="With --like: its modality.")] = None,
    tr: Annotated[float | None, typer.Option(help="With --like: repetition time in ms.")] = None,
    te: Annotated[float | None, typer.Option(help="With --like: echo time in ms.")] = None,
    ti: Annotated[float | None, typer.Option(help="With --like: inversion time in ms.")] = None,
    fa: Annotated[float | None, typer.Option(help="With --like: flip angle in degrees.")] = None,
    field: Annotated[float | None, typer.Option(help="With --like: static field in tesla.")] = None,
    truth: Annotated[bool, typer.Option("--truth", help="With --like: without noise, shading and gain.")] = False,
) -> None:
    """Simulate a cohort with known truth, or any further acquisition of one of its subjects."""
    from anysyn import simulation
    from anysyn.acquisition import Acquisition
    from anysyn.progress import Bar

    asked = {"repetition_time_ms": tr, "echo_time_ms": te, "inversion_time_ms": ti}
    asked |= {"flip_angle_deg": fa, "field_strength_t": field}
    if like is not None:
        acquisition = Acquisition(modality=target, **asked)  # type: ignore[arg-type]
        _answer(lambda: simulation.simulate_like(like.parent, like.name, acquisition, out=out, truth=truth))
        return
    if target or truth or any(value is not None for value in asked.values()):
        raise typer.BadParameter("--target, --tr, --te, --ti, --fa, --field and --truth ask for one image: add --like")
    _answer(
        lambda: simulation.simulate(
            out,
            subjects=subjects,
            sites=sites,
            spacing=spacing,
            seed=seed,
            labels=labels,
            contrasts=_words(contrasts),
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
        _answer(lambda: training.resume(resume, accelerator=accelerator, devices=devices, progress=Bar()))
        return
    if recipe is None or out is None:
        raise typer.BadParameter("training needs a recipe and --out RUN, or --resume RUN")
    _answer(
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
def synthesize(
    run: Run,
    source: Annotated[list[str], typer.Option(help="T1w=t1.nii.gz; repeat for more sources.")],
    target: Annotated[list[str], typer.Option(help="Modality asked for; repeat for more.")],
    out: Annotated[Path, typer.Option(help="NIfTI file; with several targets, a folder.")],
    resample_to: Annotated[str | None, typer.Option(help="Source whose grid the others are resampled to.")] = None,
    target_spacing: Annotated[str | None, typer.Option(help="Voxel size in mm, for example 0.8,0.8,1.2.")] = None,
    target_json: Annotated[Path | None, typer.Option(help="How it is acquired: a BIDS JSON.")] = None,
    tr: Annotated[float | None, typer.Option(help="Repetition time asked for, in ms.")] = None,
    te: Annotated[float | None, typer.Option(help="Echo time asked for, in ms.")] = None,
    ti: Annotated[float | None, typer.Option(help="Inversion time asked for, in ms.")] = None,
    fa: Annotated[float | None, typer.Option(help="Flip angle asked for, in degrees.")] = None,
    field: Annotated[float | None, typer.Option(help="Static field asked for, in tesla.")] = None,
    manufacturer: Annotated[str | None, typer.Option(help="Scanner vendor asked for.")] = None,
    age: Annotated[float | None, typer.Option(help="Age of the person in years.")] = None,
    sex: Annotated[str | None, typer.Option(help="Sex of the person: F, M or O.")] = None,
    voxel: Annotated[str | None, typer.Option(help="Voxel size asked for; has to be that of the output.")] = None,
    batch: BatchSize = 8,
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Synthesize what is missing from the scans that are there, as if acquired as asked for."""
    from anysyn.synthesis import acquisition_of
    from anysyn.synthesis import synthesize as run_it

    said: dict[str, Any] = {"repetition_time_ms": tr, "echo_time_ms": te, "inversion_time_ms": ti, "flip_angle_deg": fa}
    said |= {"field_strength_t": field, "manufacturer": manufacturer, "age_years": age, "sex": sex}
    edges = _numbers(voxel, "--voxel")

    def answer() -> None:
        written = run_it(
            run,
            sources=dict(_pair(word) for word in source),
            targets=target,
            out=out,
            resample_to=resample_to,
            spacing=_numbers(target_spacing, "--target-spacing"),
            acquisition=acquisition_of(target_json, voxel_size_mm=edges and tuple(edges), **said),
            batch=batch,
            accelerator=accelerator,
            overwrite=overwrite,
        )
        _print(f"{path} (synthetic, not for clinical use)" for path in written)

    _answer(answer)


@app.command()
def evaluate(
    run: Run,
    data: Annotated[Path | None, typer.Option(help="Cohort; the one of the training by default.")] = None,
    split: Annotated[str, typer.Option(help="train, validation, test or all.")] = "test",
    pairs: Annotated[str, typer.Option(help="T1w:T2w,T1w+T2w:FLAIR or all.")] = "all",
    protocol: Annotated[str, typer.Option(help="How images are compared: anysyn list protocols.")] = "anysyn",
    out: Annotated[Path | None, typer.Option(help="Folder of the results; RUN/evaluation by default.")] = None,
    examples: Annotated[int, typer.Option(help="Subjects shown in the report for each pair.")] = 2,
    degrade: Annotated[str | None, typer.Option(help="axis=2,factor=3,fwhm=2: coarser sources.")] = None,
    embeddings: Annotated[bool, typer.Option("--embeddings", help="Instead: how alike slices are embedded.")] = False,
    encoders: Annotated[str | None, typer.Option(help="With --embeddings: RUN,LABEL=RUN to stand beside.")] = None,
    alignment: Annotated[bool, typer.Option("--alignment", help="Instead: does the CLIP tell modalities?")] = False,
    retrieval: Annotated[bool, typer.Option("--retrieval", help="Instead: does the CLIP find prompts?")] = False,
    sweep: Annotated[list[str] | None, typer.Option(help="Instead: T1w:T2w:te=60,80,100, is it obeyed?")] = None,
    beside: Annotated[list[str] | None, typer.Option(help="With --sweep: RUN or LABEL=RUN to stand beside.")] = None,
    training: Annotated[Path | None, typer.Option(help="Training subjects, where they were moved.")] = None,
    batch: BatchSize = 8,
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Compare syntheses with the truth and with two simple baselines, or measure the encoder, the CLIP or obedience."""
    from anysyn import evaluation
    from anysyn.progress import Bar

    towers = {"--embeddings": embeddings, "--alignment": alignment, "--retrieval": retrieval}
    paired = (pairs, examples, degrade) != ("all", 2, None)
    if sum(towers.values()) + bool(sweep) + (paired or (protocol != "anysyn" and not sweep)) > 1:
        raise typer.BadParameter(
            f"ask for one at a time: {', '.join(towers)}, --sweep with --protocol, "
            "or --pairs, --protocol, --examples, --degrade"
        )
    if (encoders and not embeddings) or (beside and not sweep):
        raise typer.BadParameter("--encoders stand beside --embeddings, and --beside beside --sweep: add it")
    if training and any(towers.values()):
        raise typer.BadParameter("--training says where baselines and settings come from; leave it out")
    asked: dict[str, Any] = {"data": data, "split": split, "out": out, "batch": batch, "progress": Bar()}
    asked |= {"accelerator": accelerator, "overwrite": overwrite}
    how: dict[str, Any] = {"protocol": protocol, "training": training}
    if embeddings:
        _answer(lambda: _said(evaluation.evaluate_embeddings(run, encoders=_words(encoders) or (), **asked)))
    elif alignment:
        _answer(lambda: _said(evaluation.evaluate_alignment(run, **asked)))
    elif retrieval:
        _answer(lambda: _said(evaluation.evaluate_retrieval(run, **asked)))
    elif sweep:
        _answer(lambda: _said(evaluation.evaluate_sweep(run, sweeps=sweep, beside=beside or (), **how, **asked)))
    else:
        how |= {"pairs": pairs, "examples": examples, "degrade": degrade}
        _answer(lambda: evaluation.evaluate(run, **how, **asked))


@app.command()
def report(
    run: Run,
    results: Annotated[Path | None, typer.Option(help="Results to show; the run's latest by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="HTML page; RUN/report.html by default.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write one self-contained HTML page about a run."""
    from anysyn.reporting import report as run_it

    _answer(lambda: typer.echo(run_it(run, results=results, out=out, overwrite=overwrite)))


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder of the demo.")] = Path("demo"),
    overwrite: Overwrite = False,
) -> None:
    """Simulate, train, synthesize, evaluate and report, in a few minutes."""
    from anysyn.demo import demo as run_it
    from anysyn.progress import Bar

    _answer(lambda: run_it(out, overwrite=overwrite, progress=Bar()))


def _answer(call: Any) -> None:
    """Make a call; turn what a user did wrong into lines on stderr, and failed cases into exit code 1."""
    from anysyn.failures import explain

    try:
        outcome = call()
    except Exception as error:
        lines = explain(error)
        if lines is None:
            raise
        _print(lines, err=True)
        raise typer.Exit(1) from None
    failures = getattr(outcome, "failures", ())
    _print((f"failed: {failure}" for failure in failures), err=True)
    if failures:
        raise typer.Exit(1)


def _said(outcome: Any) -> Any:
    _print(outcome.lines())
    return outcome


def _print(lines: Iterable[object], err: bool = False) -> None:
    for line in lines:
        typer.echo(line, err=err)


def _pair(word: str) -> tuple[str, str]:
    key, equals, path = word.partition("=")
    if not equals:
        raise typer.BadParameter(f"--source {word!r}: write it as MODALITY=FILE, for example T1w=t1.nii.gz")
    return key, path


def _numbers(text: str | None, option: str) -> list[float] | None:
    try:
        return None if text is None else [float(word) for word in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{option} {text!r}: write numbers with commas between, as 0.8,0.8,1.2") from None


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]
