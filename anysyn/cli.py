"""The command line: words to calls, no logic. Everything heavy is imported by the command that needs it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.scanner_options import PERSON, asks, flags

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
Dataset = Annotated[str | None, typer.Option(help="As from which dataset of the training, or mean of all.")]
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
@asks("With --like", without=["tracer", "manufacturer", *PERSON])
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder of the new cohort; with --like, the NIfTI file to write.")],
    subjects: Annotated[int, typer.Option(help="How many subjects.")] = 24,
    sites: Annotated[str, typer.Option(help="How many sites, or which: E,F.")] = "4",
    spacing: Annotated[float, typer.Option(help="Voxel size in mm.")] = 2.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    labels: Annotated[Path | None, typer.Option(help="Folder of FreeSurfer label maps: whole heads.")] = None,
    contrasts: Annotated[str | None, typer.Option(help="T1w,T2w,CT instead of what the sites acquire.")] = None,
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
        _answer(lambda: simulation.simulate_like(like.parent, like.name, acquisition, out=out, truth=truth))
        return
    if alone := [*(["--target"] if target else []), *(["--truth"] if truth else []), *flags(said)]:
        raise typer.BadParameter(f"{', '.join(alone)}: that asks for one image: add --like")
    _answer(
        lambda: simulation.simulate(
            out,
            subjects=subjects,
            sites=int(sites) if sites.isdecimal() else _words(sites) or (),
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
    _answer(lambda: training.adapt(run, data=data, name=name, out=out, progress=Bar(), **how))


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
            dataset=dataset,
            batch=batch,
            accelerator=accelerator,
            overwrite=overwrite,
        )
        _print(f"{path} (synthetic, not for clinical use)" for path in written)

    _answer(answer)


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

    asked: dict[str, Any] = {"targets": _words(targets), "sources": _words(sources), "resample_to": resample_to}
    asked |= {"dataset": dataset, "batch": batch, "accelerator": accelerator, "overwrite": overwrite}
    _answer(lambda: _said(run_it(run, data=data, out=out, progress=Bar(), **asked)))


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
    dataset: Dataset = None,
    embeddings: Annotated[bool, typer.Option("--embeddings", help="Instead: how alike slices are embedded.")] = False,
    content: Annotated[bool, typer.Option("--content", help="Instead: is a place the same in all sources?")] = False,
    encoders: Annotated[str | None, typer.Option(help="With these two: RUN,LABEL=RUN to stand beside.")] = None,
    alignment: Annotated[bool, typer.Option("--alignment", help="Instead: does the CLIP tell modalities?")] = False,
    retrieval: Annotated[bool, typer.Option("--retrieval", help="Instead: does the CLIP find prompts?")] = False,
    sweep: Annotated[list[str] | None, typer.Option(help="Instead: T1w:T2w:te=60,80,100, is it obeyed?")] = None,
    beside: Annotated[list[str] | None, typer.Option(help="With --sweep: RUN or LABEL=RUN to stand beside.")] = None,
    segment: Annotated[bool, typer.Option("--segment", help="Instead: are lesions found in syntheses?")] = False,
    segmenter: Annotated[Path | None, typer.Option(help="With --segment: where segmenters are kept.")] = None,
    retrain: Annotated[bool, typer.Option("--retrain", help="With --segment: also without each modality.")] = False,
    training: Annotated[Path | None, typer.Option(help="Training subjects, where they were moved.")] = None,
    batch: BatchSize = 8,
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Compare syntheses with the truth and two simple baselines, or measure encoder, CLIP, obedience, segmentation."""
    from anysyn import evaluation
    from anysyn.progress import Bar

    kinds = {"embeddings": embeddings, "content": content, "alignment": alignment, "retrieval": retrieval}
    options: dict[str, tuple[Any, Any, str]] = {  # value, default, the kinds of evaluation that it is for
        **{"pairs": (pairs, "all", "pairs"), "examples": (examples, 2, "pairs"), "degrade": (degrade, None, "pairs")},
        **{"dataset": (dataset, None, "pairs"), "protocol": (protocol, "anysyn", "pairs sweep")},
        **{"encoders": (_words(encoders), None, "embeddings content"), "beside": (beside, None, "sweep")},
        **{"segmenter": (segmenter, None, "segment"), "retrain": (retrain, False, "segment")},
        "training": (training, None, "pairs sweep segment"),
    }
    kind, how = _kind({**kinds, "segment": segment, "sweep": bool(sweep)}, options)
    how |= {"data": data, "split": split, "out": out, "batch": batch, "progress": Bar()}
    how |= {"accelerator": accelerator, "overwrite": overwrite, **({"sweeps": sweep} if sweep else {})}
    if kind == "pairs":
        _answer(lambda: evaluation.evaluate(run, **how))
    else:
        _answer(lambda: _said(getattr(evaluation, f"evaluate_{kind}")(run, **how)))


def _kind(kinds: Mapping[str, bool], options: Mapping[str, tuple[Any, Any, str]]) -> tuple[str, dict[str, Any]]:
    """Return the kind of evaluation that is asked for, by default of pairs, and the options that were given for it."""
    wanted = [kind for kind, asked in kinds.items() if asked] or ["pairs"]
    if len(wanted) > 1:
        raise typer.BadParameter(f"ask for one at a time: {', '.join(f'--{kind}' for kind in wanted)}")
    given = {name: (value, of.split()) for name, (value, default, of) in options.items() if value != default}
    for name, (_, of) in given.items():
        if wanted[0] not in of:
            words = " or ".join("the evaluation of pairs" if kind == "pairs" else f"--{kind}" for kind in of)
            raise typer.BadParameter(f"--{name} is for {words} alone; leave it out, or ask for that")
    return wanted[0], {name: value for name, (value, _) in given.items()}


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
