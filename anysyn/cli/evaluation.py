"""The command that evaluates: one of several kinds, each with options of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.options import BatchSize, Dataset, Device, Overwrite, Run
from anysyn.cli.outcome import attempt, printed
from anysyn.cli.words import words

# By option: its default, and the kinds of evaluation that it is for.
OPTIONS: dict[str, tuple[Any, str]] = {
    "pairs": ("all", "pairs robustness modulation"),
    "protocol": ("anysyn", "pairs sweep robustness"),
    "examples": (2, "pairs"),
    "degrade": (None, "pairs"),
    "dataset": (None, "pairs"),
    "corruption": (None, "pairs robustness"),
    "beside": (None, "sweep robustness modulation"),
    "segmenter": (None, "segment"),
    "retrain": (False, "segment"),
    "encoders": (None, "embeddings content"),
    "training": (None, "pairs sweep segment modulation"),
}
PROBES = {
    "embeddings": "embeddings",
    "content": "content",
    "alignment": "modality_accuracy",
    "retrieval": "prompt_retrieval",
    "sweep": "metadata_sweep",
    "robustness": "robustness",
    "modulation": "dataset_swap",
    "segment": "lesion_segmentation",
}


def evaluate(
    run: Run,
    data: Annotated[Path | None, typer.Option(help="Cohort; the one of the training by default.")] = None,
    split: Annotated[str, typer.Option(help="train, validation, test or all.")] = "test",
    pairs: Annotated[str, typer.Option(help="T1w:T2w,T1w+T2w:FLAIR or all.")] = "all",
    protocol: Annotated[str, typer.Option(help="How images are compared: anysyn list protocols.")] = "anysyn",
    out: Annotated[Path | None, typer.Option(help="Folder of the results; RUN/evaluation by default.")] = None,
    examples: Annotated[int, typer.Option(help="Subjects shown in the report for each pair.")] = 2,
    degrade: Annotated[str | None, typer.Option(help="axis=2,factor=3,fwhm=2: coarser sources.")] = None,
    corruption: Annotated[list[str] | None, typer.Option(help="motion=severe, gaussian=0.1: worse sources.")] = None,
    dataset: Dataset = None,
    embeddings: Annotated[bool, typer.Option("--embeddings", help="Instead: how alike slices are embedded.")] = False,
    content: Annotated[bool, typer.Option("--content", help="Instead: is a place the same in all sources?")] = False,
    encoders: Annotated[str | None, typer.Option(help="With these two: RUN,LABEL=RUN to stand beside.")] = None,
    alignment: Annotated[bool, typer.Option("--alignment", help="Instead: does the CLIP tell modalities?")] = False,
    retrieval: Annotated[bool, typer.Option("--retrieval", help="Instead: does the CLIP find prompts?")] = False,
    sweep: Annotated[list[str] | None, typer.Option(help="Instead: T1w:T2w:te=60,80,100, is it obeyed?")] = None,
    beside: Annotated[list[str] | None, typer.Option(help="With these three: RUN or LABEL=RUN beside.")] = None,
    robustness: Annotated[bool, typer.Option("--robustness", help="Instead: what do corrupted sources cost?")] = False,
    modulation: Annotated[bool, typer.Option("--modulation", help="Instead: is the dataset asked for obeyed?")] = False,
    segment: Annotated[bool, typer.Option("--segment", help="Instead: are lesions found in syntheses?")] = False,
    segmenter: Annotated[Path | None, typer.Option(help="With --segment: where segmenters are kept.")] = None,
    retrain: Annotated[bool, typer.Option("--retrain", help="With --segment: also without each modality.")] = False,
    training: Annotated[Path | None, typer.Option(help="Training subjects, where they were moved.")] = None,
    batch: BatchSize = 8,
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Compare syntheses with the truth and two simple baselines, or measure one thing that is asked for instead."""
    from anysyn.evaluation.evaluate import evaluate as evaluate_pairs
    from anysyn.progress import Bar

    kinds = {"embeddings": embeddings, "content": content, "alignment": alignment, "retrieval": retrieval}
    options = {"pairs": pairs, "protocol": protocol, "examples": examples, "degrade": degrade, "dataset": dataset}
    options |= {"corruption": corruption, "beside": beside, "segmenter": segmenter, "retrain": retrain}
    options |= {"encoders": words(encoders), "training": training}
    kinds |= {"segment": segment, "sweep": bool(sweep), "robustness": robustness, "modulation": modulation}
    kind, how = _kind(kinds, options)
    how |= _corruptions(kind, how.pop("corruption", ()))
    how |= {"data": data, "split": split, "out": out, "batch": batch, "progress": Bar()}
    how |= {"accelerator": accelerator, "overwrite": overwrite, **({"sweeps": sweep} if sweep else {})}
    if kind == "pairs":
        attempt(lambda: evaluate_pairs(run, **how))
    else:
        probe = import_module(f"anysyn.probes.{PROBES[kind]}.evaluate")
        attempt(lambda: printed(getattr(probe, f"evaluate_{kind}")(run, **how)))


def _kind(kinds: Mapping[str, bool], options: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the kind of evaluation that is asked for, by default of pairs, and the options that were given for it."""
    wanted = [kind for kind, asked in kinds.items() if asked] or ["pairs"]
    if len(wanted) > 1:
        raise typer.BadParameter(f"ask for one at a time: {', '.join(f'--{kind}' for kind in wanted)}")
    given = {name: value for name, value in options.items() if value != OPTIONS[name][0]}
    for name in given:
        of = OPTIONS[name][1].split()
        if wanted[0] not in of:
            whom = " or ".join("the evaluation of pairs" if kind == "pairs" else f"--{kind}" for kind in of)
            raise typer.BadParameter(f"--{name} is for {whom} alone; leave it out, or ask for that")
    return wanted[0], given


def _corruptions(kind: str, asked: Sequence[str]) -> dict[str, Any]:
    """Return the sources' corruptions as this kind of evaluation takes them."""
    if kind == "robustness":
        return {"corruptions": asked}
    if len(asked) > 1:
        raise typer.BadParameter(f"--corruption: one at a time, not {', '.join(asked)}; --robustness takes several")
    return {"corruption": asked[0]} if asked else {}
