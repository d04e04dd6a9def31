"""Results of a table: the cases of every cell, and their mean, spread, interval, test and rank."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from anysyn.errors import UserError
from anysyn.evaluation.metrics.metrics import metric
from anysyn.evaluation.tables.statistics import against_best, bootstrap_interval, rank_agreement, summary
from paper_tables.plan import Plan
from paper_tables.published import Value, published
from paper_tables.store import Store, error_of, finished, record_of
from paper_tables.table import DIMENSIONS, MEAN, Place, Table

SPENT = ("seconds", "cpu_seconds", "memory_mib", "gpu_memory_mib")
OWN = {  # metrics of measurements without images: label, digits, whether higher is better
    "cosine": ("Cosine", 4, True),
    "accuracy": ("Accuracy (%)", 2, True),
    "dice": ("Dice", 4, True),
    "agreement": ("Agreement (Dice)", 4, True),
}


@dataclass(frozen=True)
class Heading:
    """The heading of a metric.

    Args:
        label: Label with the unit.
        digits: Digits after the point.
        higher_is_better: Its better direction.
    """

    label: str
    digits: int
    higher_is_better: bool

    @property
    def text(self) -> str:
        """Return the label with an arrow in the better direction."""
        return f"{self.label} {'↑' if self.higher_is_better else '↓'}"


@dataclass(frozen=True)
class Entry:
    """A cell of the printed table.

    Args:
        mean: Mean over cases; NaN if there is none.
        sd: Standard deviation over cases; NaN for one case.
        low: Lower end of the 95 % interval of the mean.
        high: Its upper end.
        cases: Number of cases.
        seeds: Standard deviation of the mean over seeds; NaN for one seed.
        p: Corrected p value against the best method; NaN for the best.
        place: 1 for the best, 2 for the second, 0 for the others.
        published: The paper's value.
        note: Why there is no value: the method has no recipe, failed, or was not run.
    """

    mean: float = math.nan
    sd: float = math.nan
    low: float = math.nan
    high: float = math.nan
    cases: int = 0
    seeds: float = math.nan
    p: float = math.nan
    place: int = 0
    published: Value | None = None
    note: str = ""


@dataclass
class Results:
    """The results of a table.

    Args:
        plan: The plan of the table.
        cases: Columns set, task, method, seed, fold, subject, dataset, and the metrics.
        entries: The cells by their place.
        agreement: By set, task and metric, Kendall's tau between our order of methods and the paper's.
        parameters: By method, the number of parameters as printed.
        spent: Time and memory of each model: columns method, purpose, seconds, cpu_seconds, memory_mib.
        examples: By set and method, the folder of planes of the first seed.
        errors: By method, its errors.
        measured: Set and method of every finished cell.
        devices: What the cells were measured on.
        left_out: Cases that could not be measured, and why.
    """

    plan: Plan
    cases: pd.DataFrame
    entries: dict[Place, Entry] = field(default_factory=dict)
    agreement: dict[tuple[str, str, str], float] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    spent: pd.DataFrame = field(default_factory=pd.DataFrame)
    examples: dict[tuple[str, str], Path] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    measured: set[tuple[str, str]] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)


def heading(name: str) -> Heading:
    """Return the heading of a metric, a registered one or one of `OWN`.

    Example:
        >>> heading("psnr").text, heading("accuracy").digits
        ('PSNR (dB) ↑', 2)
    """
    if name in OWN:
        return Heading(*OWN[name])
    registered = metric(name)
    return Heading(registered.label, registered.digits, registered.higher_is_better)


def results_of(plan: Plan, store: Store) -> Results:
    """Gather the finished results of a table.

    Args:
        plan: The plan.
        store: The folder of results.

    Raises:
        UserError: If the cells were measured under different protocols.
    """
    results = Results(plan, pd.DataFrame(columns=["set", "task", "method", "seed", "fold", "subject", "dataset"]))
    for name, mistake in plan.mistakes.items():
        results.errors[name] = [mistake]
    _gather(results, store)
    _check_protocol(results.cases)
    _fill(results)
    return results


def _gather(results: Results, store: Store) -> None:
    table, frames, spent = results.plan.table, [results.cases], list[dict[str, Any]]()
    methods = {method.name: method for method in table.methods}
    for cell in results.plan.cells:
        run, folder, method = store.run(cell.run), store.cell(cell.key), methods[cell.method]
        if error := error_of(run) or error_of(folder):
            results.errors.setdefault(cell.method, [])
            if error not in results.errors[cell.method]:
                results.errors[cell.method].append(error)
        if finished(run):
            _note_run(results, spent, cell, record_of(run))
        if not finished(folder):
            continue
        results.measured.add((cell.set, cell.method))
        record = record_of(folder)
        failures = record["failures"]
        results.devices |= {record["device"]} if "device" in record else set()
        results.left_out += [f"{cell.method}: {failure['subject']}: {failure['reason']}" for failure in failures]
        frame = pd.read_csv(folder / "cases.csv", keep_default_na=False, na_values=[""], dtype={"subject": str})
        answers = frame["task"].map(method.answer)
        cases = frame[frame["method"] == answers].assign(set=cell.set, method=cell.method)
        fold = cell.purpose.fold.name if cell.purpose.fold else ""
        frames.append(cases.assign(seed=cell.purpose.seed, fold=fold))
        results.examples.setdefault((cell.set, cell.method), folder / "examples")
    results.cases = pd.concat([frame for frame in frames if len(frame)] or frames, ignore_index=True)
    results.spent = pd.DataFrame(spent).drop_duplicates() if spent else pd.DataFrame()


def _note_run(results: Results, spent: list[dict[str, Any]], cell: Any, record: Mapping[str, Any]) -> None:
    figures = {name: record[name] for name in SPENT if name in record}
    spent.append({"method": cell.method, "model": str(cell.purpose), **figures})
    if not cell.question.get("simple"):
        results.parameters.setdefault(cell.method, _count(record["parameters"]))


def _count(parts: Mapping[str, Mapping[str, int]]) -> str:
    """Return the parameters for one source and one target, those of the discriminators, and the total."""
    judges = [counts for name, counts in parts.items() if name.startswith("discriminator")]
    own = parts.get("synthesizer") or max(parts.values(), key=lambda counts: counts["all"])
    text = _millions(own["one"]) + "".join(f" + {_millions(counts['one'])}" for counts in judges)
    return text if own["one"] == own["all"] else f"{text} ({_millions(own['all'])} in all)"


def _millions(count: int) -> str:
    return f"{count / 1e6:.2f}M"


def _check_protocol(cases: pd.DataFrame) -> None:
    if "digest" not in cases:
        return
    protocols = sorted({(name, digest) for name, digest in zip(cases["protocol"], cases["digest"], strict=True)})
    if len(protocols) > 1:
        words = ", ".join(f"{name} ({digest})" for name, digest in protocols)
        raise UserError(f"one table cannot mix protocols: {words}")


def _fill(results: Results) -> None:
    table, papers = results.plan.table, published(results.plan.table)
    cases = _by_place(results.cases, table)
    groups: dict[tuple[str, str, str], list[str]] = {}
    for name, task, measure, method in table.places():
        groups.setdefault((name, task, measure), []).append(method)
    for (name, task, measure), methods in groups.items():
        values = {method: _of_metric(cases.get((name, task, method)), measure) for method in methods}
        printed = {m: papers[name, task, measure, m] for m in methods if (name, task, measure, m) in papers}
        for method, entry in _compared(values, measure, printed).items():
            note = "" if entry.cases else _note(results, name, method)
            fields = {**vars(entry), "note": note}
            results.entries[name, task, measure, method] = Entry(**fields)
        ours = {method: results.entries[name, task, measure, method].mean for method in methods}
        tau = rank_agreement(ours, {method: value.mean for method, value in printed.items()})
        if math.isfinite(tau):
            results.agreement[name, task, measure] = tau


def _by_place(cases: pd.DataFrame, table: Table) -> dict[tuple[str, str, str], pd.DataFrame]:
    """Return tables by set, task and method: a row for each subject, a column for each metric and seed.

    The mean task is the mean over the tasks of a subject.
    """
    names = [name for name in table.metrics if name in cases]
    filled = cases.assign(dataset=cases["dataset"].fillna(""))
    parts = [filled, *([filled.assign(task=MEAN)] if "task" in table.mean else [])] if names else []
    return {
        place: part.pivot_table(index=["dataset", "subject"], columns="seed", values=names, aggfunc="mean")
        for whole in parts
        for place, part in whole.groupby(["set", "task", "method"], sort=False)
    }


def _of_metric(cases: pd.DataFrame | None, measure: str) -> pd.DataFrame:
    return pd.DataFrame() if cases is None or measure not in cases else cases[measure]


def _compared(values: Mapping[str, pd.DataFrame], measure: str, printed: Mapping[str, Value]) -> dict[str, Entry]:
    how = heading(measure)
    means = {method: frame.mean(axis=1) for method, frame in values.items() if len(frame)}
    together = pd.DataFrame(means)  # a row for each subject, NaN if a method lacks it
    rows = {method: together[method].to_numpy(dtype=float) for method in together}
    p = against_best(rows, higher_is_better=how.higher_is_better) if len(rows) > 1 else {}
    entries = {}
    for method, frame in values.items():
        own = rows.get(method, np.empty(0))
        own = own[~np.isnan(own)]
        spread, interval = summary(own), bootstrap_interval(own, generator=np.random.default_rng(0))
        of_seeds = frame.mean(axis=0).std(ddof=1) if len(frame) else math.nan
        numbers = {"mean": spread.mean, "sd": spread.sd, "low": interval.low, "high": interval.high}
        entries[method] = Entry(
            **numbers, cases=len(own), seeds=float(of_seeds), p=p.get(method, math.nan), published=printed.get(method)
        )
    places = _places(entries, how)
    return {method: Entry(**{**vars(entry), "place": places[method]}) for method, entry in entries.items()}


def _places(entries: Mapping[str, Entry], how: Heading) -> dict[str, int]:
    """Rank the printed means; a method with fewer cases than the others is not ranked, as it is over other images."""
    most = max((entry.cases for entry in entries.values()), default=0)
    able = {m: round(e.mean, how.digits) for m, e in entries.items() if e.cases == most and math.isfinite(e.mean)}
    order = sorted(set(able.values()), reverse=how.higher_is_better)[:2]
    return {method: order.index(able[method]) + 1 if able.get(method) in order else 0 for method in entries}


def _note(results: Results, name: str, method: str) -> str:
    plan = results.plan
    if method in plan.absent:
        return "no recipe"
    if name in plan.without:
        return "no data"
    if (name, method) in results.measured:
        return "–"
    return "failed" if method in results.errors else "not run"


def long_table(results: Results) -> pd.DataFrame:
    """Return every entry as a row, with the paper's value.

    Args:
        results: The results.
    """
    rows = []
    for place, entry in results.entries.items():
        row: dict[str, Any] = dict(zip(DIMENSIONS, place, strict=True))
        row |= {key: value for key, value in vars(entry).items() if key != "published"}
        row["paper"] = None if entry.published is None else entry.published.mean
        row["paper_sd"] = None if entry.published is None else entry.published.sd
        rows.append(row)
    return pd.DataFrame(rows)


def over_tasks(results: Results) -> pd.DataFrame:
    """Average each method over those tasks of a subject that all methods have, then over subjects.

    Args:
        results: The results.

    Returns:
        Columns method, and for each metric its mean over subjects, the standard deviation of that over seeds
        (``<metric>_seeds``), p against the best method (``<metric>_p``), and the paper's mean (``<metric>_paper``).
    """
    table: Table = results.plan.table
    rows: dict[str, dict[str, Any]] = {method.name: {"method": method.name} for method in table.methods}
    for measure in table.metrics:
        for name, row in rows.items():
            row[f"{measure}_paper"] = _mean_published(results, measure, name)
        if measure in results.cases:
            for name, values in _means(results.cases, measure, list(rows)).items():
                rows[name] |= values
    return pd.DataFrame(rows.values())


def _mean_published(results: Results, measure: str, method: str) -> float:
    places = [place for place in results.entries if place[2:] == (measure, method) and place[1] != MEAN]
    values = [results.entries[place].published for place in places]
    means = [value.mean for value in values if value is not None]
    return float(np.mean(means)) if means else math.nan


def _means(cases: pd.DataFrame, measure: str, methods: Sequence[str]) -> dict[str, dict[str, float]]:
    index = ["set", "task", "dataset", "subject"]
    filled = cases.assign(dataset=cases["dataset"].fillna(""))
    of_seeds = filled.pivot_table(index=index, columns=["method", "seed"], values=measure, aggfunc="mean")
    finite = of_seeds.replace([np.inf, -np.inf], np.nan)
    shared_cases = finite.T.groupby(level="method").mean().T.dropna().index  # cases that every method has
    if shared_cases.empty:
        return {}
    # The tasks of a subject are not independent cases: as such they would make any difference look certain.
    finite = finite.loc[shared_cases].groupby(level=["set", "dataset", "subject"]).mean()
    shared = finite.T.groupby(level="method").mean().T
    values = {name: shared[name].to_numpy(dtype=float) for name in methods if name in shared}
    better = heading(measure).higher_is_better
    p = against_best(values, higher_is_better=better) if len(values) > 1 else {}
    spread = {name: finite[name].mean(axis=0).std(ddof=1) for name in values}
    return {
        name: {measure: own.mean(), f"{measure}_seeds": float(spread[name]), f"{measure}_p": p.get(name, math.nan)}
        for name, own in values.items()
    }
