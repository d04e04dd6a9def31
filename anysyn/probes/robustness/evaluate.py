"""Robustness: how much of a synthesis is left when its sources are corrupted (OmniSyn, Table 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.evaluation.cases import Cases
from anysyn.evaluation.degradation.corruptions import SEVERITIES, Corruption
from anysyn.evaluation.degradation.corruptions import corruption as find_corruption
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.metrics.protocol import Protocol
from anysyn.evaluation.metrics.protocol import protocol as find_protocol
from anysyn.evaluation.pairs import Pair, parse_pairs
from anysyn.evaluation.tables.cases_table import MODEL, metrics_of
from anysyn.evaluation.tables.format import aligned, arrow, heading, number
from anysyn.evaluation.tables.statistics import summary
from anysyn.probes.comparison_runs import load_beside
from anysyn.probes.findings import ROBUSTNESS, Findings, inquire
from anysyn.progress import Progress
from anysyn.registry import names
from anysyn.synthesis import load_run
from anysyn.synthesis.loaded_run import LoadedRun

CLEAN = "none"  # the corruption of sources that are as they are
ABOUT: tuple[str, ...] = ("corruption", "level", "pair", "method", "cases", "input_psnr")
SHOWN = ("psnr", "ssim")


@dataclass(frozen=True, kw_only=True)
class RobustnessResults(Findings):
    """Hold how runs bear corrupted sources.

    Args:
        cases: A row for each case under each corruption: those of `case_row`, with corruption, level and input_psnr.
        summary: As `degraded_means` returns it.
    """

    cases: pd.DataFrame
    summary: pd.DataFrame

    def table(self) -> list[str]:
        """Return the summary."""
        return aligned([summary_headings(self.summary), *summary_cells(self.summary)])


def evaluate_robustness(
    run: str | Path | LoadedRun,
    *,
    corruptions: Sequence[str | Corruption] = (),
    beside: Sequence[str] = (),
    data: str | Path | None = None,
    split: str = "test",
    pairs: str | None = None,
    protocol: str | Protocol = "anysyn",
    out: str | Path | None = None,
    batch: int = 8,
    seed: int = 0,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> RobustnessResults:
    """Evaluate runs with clean and with corrupted sources; the truth is clean.

    Args:
        run: A run folder, or a run that is loaded already.
        corruptions: For example ``["motion=severe", "gaussian=0.1"]``; every registered one at its three severities, if
            empty.
        beside: Run folders that are shown the same, each ``FOLDER`` or ``LABEL=FOLDER``.
        data: Root of the subjects; the data of the training, if None.
        split: ``train``, ``validation``, ``test`` or ``all``.
        pairs: For example ``"T1w:T2w,T1w+T2w:FLAIR"``; every ordered pair, if None.
        protocol: A registered name or a protocol of your own.
        out: Folder of the results; ``evaluation`` in the run folder, if None. Its folder ``robustness`` gets
            ``cases.csv``, ``summary.csv`` and ``record.json``.
        batch: Slices or patches the network sees at once: what bounds the memory.
        seed: Draws what is random; alike for every run.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``, for runs that are loaded here.
        overwrite: Replace earlier findings.
        progress: Shown what is done; nothing, if None.

    Returns:
        The findings. A subject that fails is listed and the others finish.

    Raises:
        EvaluationError: If a corruption cannot be read, runs cannot be compared, or there is no case.
        UserError: If a run cannot be used.

    Example:
        >>> evaluate_robustness("nowhere", corruptions=["gaussian=0.1"])
        Traceback (most recent call last):
        anysyn.training.folder.RunError: nowhere holds no recipe.yaml: it is not a run folder
    """
    loaded = load_run(run, accelerator=accelerator) if isinstance(run, str | Path) else run
    how, wanted = find_protocol(protocol), parse_pairs(pairs, loaded.recipe.modalities)
    asked = [find_corruption(one) for one in corruptions or _every()]
    others = [load_beside(loaded, text, same=("modalities", "prepare"), accelerator=accelerator) for text in beside]
    runs = {MODEL: loaded, **dict(others)}
    if len(runs) < 1 + len(others):
        raise EvaluationError("two runs go by one name; give one another: NAME=FOLDER")
    inquiry = inquire(loaded, ROBUSTNESS, data=data, split=split, out=out, overwrite=overwrite, progress=progress)
    measured = {
        (label, one): _cases(one_run, how, wanted, one, batch=batch, seed=seed, folder=inquiry.folder)
        for label, one_run in runs.items()
        for one in (None, *asked)
    }
    for subject in inquiry.over("corrupting"):
        for cases in measured.values():
            cases.add(subject, [pair for pair in wanted if pair.within(subject.images)])
    failed = (failure for cases in measured.values() for failure in cases.failures)
    failures = list(dict.fromkeys([*inquiry.failures, *failed]))  # a damaged file fails in every run alike
    rows = pd.DataFrame([row for (label, one), cases in measured.items() for row in _rows(label, one, cases)])
    if rows.empty:
        raise EvaluationError(f"no case could be evaluated{f' ({failures[0]})' if failures else ''}")
    means, notes = degraded_means(rows), (how.describe(), f"Seed of the corruptions: {seed}.")
    about: dict[str, Any] = {"beside": list(beside), "corruptions": [*map(str, asked)], "seed": seed}
    about |= {"protocol": how.fields(), "digest": how.digest, "notes": notes}
    tables = {"cases": rows, "summary": means}
    replace(inquiry, failures=failures).write(tables, about)
    return RobustnessResults(folder=inquiry.folder, failures=tuple(failures), notes=notes, **tables)


def _every() -> list[str]:
    return [f"{name}={severity}" for name in names("corruption") for severity in SEVERITIES]


def _cases(run: LoadedRun, how: Protocol, pairs: Sequence[Pair], one: Corruption | None, **given: Any) -> Cases:
    none: Mapping[Pair, Sequence[Any]] = dict.fromkeys(pairs, ())
    return Cases(run=run, protocol=how, baselines=none, examples=0, corruption=one, **given)


def _rows(label: str, how: Corruption | None, cases: Cases) -> list[dict[str, Any]]:
    """Add to each case what was done to its sources, and what that left of them on average."""
    about = {"corruption": CLEAN, "level": 0.0} if how is None else {"corruption": how.name, "level": how.level}
    left = {(row["dataset"], row["subject"], row["modality"]): row["input_psnr"] for row in cases.inputs}
    rows = []
    for row in cases.rows:
        psnrs = [left.get((row["dataset"], row["subject"], name)) for name in row["sources"].split("+")]
        mean = summary([psnr for psnr in psnrs if psnr is not None]).mean
        rows.append({**about, **row, "method": label, "input_psnr": mean})
    return rows


def degraded_means(cases: pd.DataFrame) -> pd.DataFrame:
    """Average the cases of each corruption, level, pair and method.

    Args:
        cases: As `RobustnessResults` holds them.

    Returns:
        Columns `ABOUT`, and for each metric its mean and ``<metric>_sd``; the input PSNR is NaN for clean sources.

    Example:
        >>> row = {"subject": "a", "dataset": "x", "method": "model", "sources": "T1w", "target": "T2w"}
        >>> row |= {"protocol": "p", "digest": "d", "corruption": "motion", "level": 2.0}
        >>> row |= {"input_psnr": 25.0, "psnr": 30.0}
        >>> means = degraded_means(pd.DataFrame([row, row | {"subject": "b", "psnr": 32.0}]))
        >>> means[["corruption", "pair", "cases", "psnr"]].values.tolist()
        [['motion', 'T1w:T2w', 2, 31.0]]
    """
    measured = [name for name in metrics_of(cases) if name not in ABOUT]
    pairs = cases["sources"] + ":" + cases["target"]
    rows = []
    keys = ["corruption", "level", "pair", "method"]
    for key, part in cases.assign(pair=pairs).groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True)) | {"cases": len(part), "input_psnr": summary(part["input_psnr"]).mean}
        for name in measured:
            row[name], row[f"{name}_sd"] = summary(part[name])
        rows.append(row)
    return pd.DataFrame(rows)


def shown_metrics(means: pd.DataFrame) -> list[str]:
    """Name the metrics that are shown: PSNR and SSIM, or the first where there are neither.

    Example:
        >>> shown_metrics(pd.DataFrame(columns=[*ABOUT, "mae", "mae_sd", "psnr", "psnr_sd"]))
        ['psnr']
    """
    held = [name for name in means.columns if f"{name}_sd" in means.columns]
    return [name for name in SHOWN if name in held] or held[:1]


def summary_headings(means: pd.DataFrame) -> list[str]:
    """Return the headings of `summary_cells`.

    Args:
        means: As `degraded_means` returns them.
    """
    return ["corruption", "pair", "method", "cases", "input (dB)", *map(heading, shown_metrics(means))]


def summary_cells(means: pd.DataFrame) -> list[list[str]]:
    """Write the means for a reader.

    Args:
        means: As `degraded_means` returns them.
    """
    return [
        [
            row["corruption"] if row["corruption"] == CLEAN else f"{row['corruption']}={row['level']:g}",
            arrow(row["pair"]),
            str(row["method"]),
            str(row["cases"]),
            number(row["input_psnr"], 2),
            *(f"{number(row[name], 3)} ± {number(row[f'{name}_sd'], 3)}" for name in shown_metrics(means)),
        ]
        for row in means.to_dict("records")
    ]
