"""The page: a run folder and its results to one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined

from anysyn.errors import UserError
from anysyn.evaluation.tables.cases_table import margins, metrics_of, summarise
from anysyn.evaluation.tables.format import arrow
from anysyn.figures.planes import LIMIT
from anysyn.files import replacing
from anysyn.probes.content.report import COLUMNS as LIKENED
from anysyn.probes.content.report import content_section
from anysyn.probes.dataset_swap.report import COLUMNS as MODULATED
from anysyn.probes.dataset_swap.report import modulation_section
from anysyn.probes.embeddings.report import COORDINATES, COSINES, embeddings_section
from anysyn.probes.findings import (
    ALIGNMENT,
    CONTENT,
    EMBEDDINGS,
    MODULATION,
    RETRIEVAL,
    ROBUSTNESS,
    SEGMENTATION,
    SWEEP,
)
from anysyn.probes.lesion_segmentation.report import COLUMNS as SEGMENTED
from anysyn.probes.lesion_segmentation.report import segmentation_section
from anysyn.probes.metadata_sweep.report import COLUMNS as SWEPT
from anysyn.probes.metadata_sweep.report import sweep_section
from anysyn.probes.modality_accuracy.report import COLUMNS, alignment_section
from anysyn.probes.prompt_retrieval.report import COLUMNS as RETRIEVED
from anysyn.probes.prompt_retrieval.report import retrieval_section
from anysyn.probes.read_findings import Findings, find_findings, read_findings
from anysyn.probes.robustness.report import COLUMNS as CORRUPTED
from anysyn.probes.robustness.report import robustness_section
from anysyn.reporting.distributions import distributions
from anysyn.reporting.origin import evaluation_facts, training_facts
from anysyn.reporting.panels import Panel, error_bar, grey_bar, panel_of
from anysyn.reporting.provenance import hashes_of, seeds_of, versions_of
from anysyn.reporting.results import Results, chosen, find_results, read_results
from anysyn.reporting.scores import headline, tables, verdict
from anysyn.reporting.stages import stages_of
from anysyn.training.folder import RunError, RunFolder

MOST = 24  # examples on a page, unless there are more pairs
MAIN = ("psnr", "ssim")  # metrics of the headline and the distributions, where the protocol has them


def report(
    run: str | Path,
    *,
    results: str | Path | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one self-contained HTML page about a run: results, examples, training, recipe, versions.

    Args:
        run: A run folder. One that was not evaluated yet gets a page that says how to.
        results: Folder that `anysyn.evaluate` wrote; by default the run's latest.
        out: The page. By default ``report.html`` in the run folder, which follows from the run and so is made anew each
            time; a page elsewhere is only replaced if asked.
        overwrite: Whether a page elsewhere may be replaced.

    Returns:
        The page.

    Raises:
        RunError: If the folder is not a run.
        UserError: If the results are not there, a file cannot be read, or the page exists and may not be replaced.

    Example:
        >>> report("nowhere")
        Traceback (most recent call last):
        anysyn.training.folder.RunError: nowhere holds no recipe.yaml: it is not a run folder
    """
    folder = RunFolder(Path(run))
    if not folder.recipe.is_file():
        raise RunError(f"{folder.path} holds no recipe.yaml: it is not a run folder")
    own = folder.path / "report.html"
    page = own if out is None else Path(out)
    if page.is_dir():
        raise UserError(f"{page} is a folder; name the HTML file in it, for example {page / 'report.html'}")
    if page.exists() and not overwrite and page.resolve() != own.resolve():
        raise UserError(f"{page} exists; allow replacing it with --overwrite, or choose another --out")
    found = find_results(folder, results)
    text = render(folder, None if found is None else read_results(found), _findings(folder, results))
    with replacing(page, overwrite=True) as file:
        file.write(text.encode())
    return page


def render(run: RunFolder, results: Results | None, findings: Mapping[str, Findings]) -> str:
    """Return the page as text.

    Args:
        run: The run folder.
        results: What was evaluated, or None.
        findings: What else was measured, by its name, for example ``alignment``.

    Raises:
        UserError: If a file of the run cannot be read.
    """
    text = run.recipe.read_text(encoding="utf-8")
    recipe = _read_recipe(run.recipe, text)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("anysyn.reporting").joinpath("page.html").read_text(encoding="utf-8"))
    return template.render(
        name=recipe["name"],
        paper=recipe.get("paper"),
        modalities=recipe["modalities"],
        run=run.path,
        origin=[*training_facts(run, recipe), *(evaluation_facts(run, recipe, results) if results else [])],
        results=None if results is None else _results(results, recipe),
        embeddings=embeddings_section(findings[EMBEDDINGS]) if EMBEDDINGS in findings else None,
        content=content_section(findings[CONTENT]) if CONTENT in findings else None,
        alignment=alignment_section(findings[ALIGNMENT]) if ALIGNMENT in findings else None,
        retrieval=retrieval_section(findings[RETRIEVAL]) if RETRIEVAL in findings else None,
        sweep=sweep_section(findings[SWEEP]) if SWEEP in findings else None,
        segmentation=segmentation_section(findings[SEGMENTATION]) if SEGMENTATION in findings else None,
        robustness=robustness_section(findings[ROBUSTNESS]) if ROBUSTNESS in findings else None,
        modulation=modulation_section(findings[MODULATION]) if MODULATION in findings else None,
        stages=stages_of(run, recipe),
        left_out=run.read("failures.json") if (run.path / "failures.json").is_file() else [],
        ended=run.weights.is_file(),
        recipe=text,
        seeds=seeds_of(recipe, results),
        hashes=hashes_of(run),
        versions=versions_of(run, results),
        made_by=f"anysyn {version('anysyn')}",
    )


def _findings(run: RunFolder, results: str | Path | None) -> dict[str, Findings]:
    tables = {EMBEDDINGS: {"cosines": COSINES, "coordinates": COORDINATES}, ALIGNMENT: COLUMNS, RETRIEVAL: RETRIEVED}
    tables |= {CONTENT: LIKENED, SWEEP: SWEPT, SEGMENTATION: SEGMENTED, ROBUSTNESS: CORRUPTED, MODULATION: MODULATED}
    found = {what: find_findings(run, results, what) for what in tables}
    return {what: read_findings(folder, tables[what]) for what, folder in found.items() if folder is not None}


def _read_recipe(path: Path, text: str) -> dict[str, Any]:
    try:
        recipe: dict[str, Any] = yaml.safe_load(text)
        _ = recipe["name"], recipe["modalities"], recipe["seed"], recipe["stages"], recipe["data"]["split"]["seed"]
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise RunError(
            f"{path}: not the recipe that a training writes ({error!r}); restore it or train anew"
        ) from error
    return recipe


def _results(results: Results, recipe: dict[str, Any]) -> dict[str, Any]:
    """Gather what the page shows of an evaluation."""
    cases, record = results.cases, results.record
    names = metrics_of(cases)
    main = [name for name in MAIN if name in names] or names[:1]
    summary, margin = summarise(cases), margins(cases)
    shown = chosen(results.examples, MOST)
    oriented = any(step["name"] == "canonical" for step in recipe["data"].get("prepare", []))
    return {
        "facts": headline(summary, margin, main),
        "verdict": verdict(margin, main[0]),
        "tables": tables(summary, names),
        "protocol": (record["protocol"]["name"], record["digest"]),
        "notes": record["notes"],
        "failures": record["failures"],
        "distributions": distributions(cases, main),
        "pairs": list(_by_pair([panel_of(example, oriented=oriented) for example in shown])),
        "oriented": oriented,
        "left_out": len(results.examples) - len(shown),
        "unread": results.unread,
        "limit": f"{LIMIT:.0%}",
        "error_bar": error_bar(),
        "grey_bar": grey_bar(),
    }


def _by_pair(panels: list[Panel]) -> Iterator[tuple[str, list[Panel]]]:
    for pair, of in groupby(panels, key=lambda panel: panel.pair):
        yield arrow(pair), list(of)
