"""Measurements of a trained model: tables with a row for each case, by task and method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.data.records import Failure
from anysyn.evaluation.baselines.fit import fit_baselines
from anysyn.evaluation.cases import Cases, numbered_examples
from anysyn.evaluation.degradation.corruptions import corruption
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.metrics.protocol import protocol
from anysyn.evaluation.pairs import Pair, parse_pairs
from anysyn.probes.ask import probe
from anysyn.probes.findings import Findings
from anysyn.probes.lesion_segmentation.dice import ABSENT, ALONE, ALONE_REAL, NONE, RETRAINED, SYNTHESIZED
from anysyn.progress import Progress
from anysyn.synthesis.loaded_run import LoadedRun

INPUT = "input"  # method of the corrupted sources themselves


@dataclass(frozen=True)
class Measured:
    """The measured cases.

    Args:
        cases: Columns subject, dataset, task, method, and the metrics.
        failures: Subjects that could not be measured.
    """

    cases: pd.DataFrame
    failures: Sequence[Failure]


def measured(run: LoadedRun, question: Mapping[str, Any], folder: Path, progress: Progress) -> Measured:
    """Measure a model.

    Args:
        run: The model.
        question: What to measure, as `plan.plan_of` writes it.
        folder: Folder of examples and findings.
        progress: Shows the progress.

    Raises:
        UserError: If nothing could be measured.
    """
    measures: dict[str, Callable[..., Measured]] = {
        "pairs": _pairs,
        "embeddings": _embeddings,
        "alignment": _alignment,
        "segment": _segment,
    }
    result = measures[question["measure"]](run, question, folder, progress)
    cases = result.cases
    for column, value in question["where"].items():
        cases = cases[cases[column] == value]
    if cases.empty:
        first = f"; {result.failures[0]}" if result.failures else ""
        where = ", ".join(f"{column} {value}" for column, value in question["where"].items())
        raise EvaluationError(f"no case{f' with {where}' if where else ''} was measured{first}")
    return Measured(cases.reset_index(drop=True), result.failures)


def _split(question: Mapping[str, Any]) -> str:
    return "test" if question["data"] is None else "all"


def _pairs(run: LoadedRun, question: Mapping[str, Any], folder: Path, progress: Progress) -> Measured:
    run = run.treat_as(question["dataset"]) if "dataset" in question else run
    subjects, failures = run.subjects(question["data"], _split(question))
    wanted = question["where"].get("dataset")
    subjects = [subject for subject in subjects if wanted in (None, subject.dataset)]
    failures, frames = list(failures), list[pd.DataFrame]()
    how = protocol(question["protocol"])
    tasks = {task["name"]: (_pairs_of(task["pairs"], run), task["corruption"]) for task in question["tasks"]}
    pairs = list(dict.fromkeys(pair for requested, _ in tasks.values() for pair in requested))
    simple = fit_baselines(run, pairs, root=None, seed=0, progress=progress).baselines if question["simple"] else {}
    for spec in dict.fromkeys(spec for _, spec in tasks.values()):
        together = list(dict.fromkeys(pair for requested, own in tasks.values() if own == spec for pair in requested))
        cases = Cases(
            run=run,
            protocol=how,
            baselines={pair: simple.get(pair, ()) for pair in together},
            batch=8,
            examples=numbered_examples(subjects, together, question["examples"]),
            folder=folder / "examples" / (spec or "clean"),
            corruption=None if spec is None else corruption(spec),
            timed=question.get("timed", False),
        )
        for subject in progress.over(spec or "measuring", subjects):
            cases.add(subject, [pair for pair in together if pair.within(subject.images)])
        failures += cases.failures
        frames += [_of_task(cases, name, requested) for name, (requested, own) in tasks.items() if own == spec]
    return Measured(pd.concat(frames, ignore_index=True), failures)


def _pairs_of(words: Sequence[str], run: LoadedRun) -> tuple[Pair, ...]:
    return parse_pairs(",".join(words), run.recipe.modalities)


def _of_task(cases: Cases, task: str, pairs: Sequence[Pair]) -> pd.DataFrame:
    """Return the rows of a task; each subject gets the mean over its pairs, and the inputs count as a method."""
    rows = [row for row in cases.rows if Pair(tuple(row["sources"].split("+")), row["target"]) in pairs]
    shown = {name for pair in pairs for name in pair.sources}
    inputs = [
        {**row, "method": INPUT, "sources": row["modality"], "target": row["modality"]}
        for row in cases.inputs
        if row["modality"] in shown
    ]
    frame = pd.DataFrame([*rows, *inputs])
    if frame.empty:
        return frame
    about = ["subject", "dataset", "method", "protocol", "digest"]
    values = frame.drop(columns=["sources", "target", "modality"], errors="ignore")
    return values.groupby(about, sort=False, as_index=False).mean().assign(task=task)


def _probe(
    name: str, run: LoadedRun, question: Mapping[str, Any], folder: Path, progress: Progress, **options: Any
) -> Findings:
    data, split = question["data"], _split(question)
    return probe(name, run, data=data, split=split, out=folder, overwrite=True, progress=progress, **options)


def _embeddings(run: LoadedRun, question: Mapping[str, Any], folder: Path, progress: Progress) -> Measured:
    findings = _probe("embeddings", run, question, folder, progress)
    cosines = findings.tables["cosines"]
    pairs = cosines[cosines["first"] != cosines["second"]]
    cases = pd.DataFrame(
        {
            "subject": "all",
            "dataset": "",
            "task": pairs["first"] + ":" + pairs["second"],
            "method": pairs["encoder"],
            "cosine": pairs["same_slice"],
        }
    )
    return Measured(cases.dropna(subset="cosine"), findings.failures)


def _alignment(run: LoadedRun, question: Mapping[str, Any], folder: Path, progress: Progress) -> Measured:
    findings = _probe("modality_accuracy", run, question, folder, progress)
    texts, slices = (findings.tables[name] for name in ("texts", "slices"))
    texts = texts.assign(subject=texts["modality"], dataset="", task="text")
    rows = pd.concat([texts, slices.assign(task="image")])
    rows = rows.assign(accuracy=100.0 * (rows["found"] == rows["modality"]), method="model")
    about = ["subject", "dataset", "task", "method"]
    return Measured(rows.groupby(about, sort=False, as_index=False)["accuracy"].mean(), findings.failures)


def _segment(run: LoadedRun, question: Mapping[str, Any], folder: Path, progress: Progress) -> Measured:
    options = {name: question[name] for name in ("steps", "retrain", "alone", "region") if name in question}
    findings = _probe("lesion_segmentation", run, question, folder, progress, **options)
    rows = findings.tables["cases"]
    real, others = rows[rows["missing"] == NONE], rows[rows["missing"] != NONE]
    frames = [real.assign(missing=name) for name in others["missing"].unique()]
    frames += [others[others["method"].isin([ABSENT, RETRAINED, ALONE_REAL])]]
    for method in (SYNTHESIZED, ALONE):
        own = others[others["method"] == method]
        frames += [own, own.assign(method=method + " from " + own["sources"])]
    cases = pd.concat(frames, ignore_index=True).rename(columns={"task": "lesion"}).assign(task=lambda x: x["missing"])
    about = ["subject", "dataset", "task", "method", "region", "lesion"]
    means = cases.groupby(about, sort=False, as_index=False)[["dice", "agreement"]].mean()
    return Measured(means, findings.failures)
