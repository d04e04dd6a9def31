"""The page: a run folder and its results to one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NotRequired

from jinja2 import Environment, StrictUndefined
from typing_extensions import TypedDict

from anysyn.data.records import Failure
from anysyn.errors import RecipeError, UserError
from anysyn.evaluation.tables.cases_table import margins, metrics_of, summarise
from anysyn.evaluation.tables.format import arrow
from anysyn.figures.planes import LIMIT
from anysyn.files import add_to_manifest, write_text
from anysyn.files.yaml_tree import read_bounded
from anysyn.recipe.read import parse
from anysyn.reporting.distributions import distributions
from anysyn.reporting.origin import evaluation_facts, training_facts
from anysyn.reporting.panels import error_bar, grey_bar, panel_of
from anysyn.reporting.probe_sections import ProbeSection, sections_of
from anysyn.reporting.provenance import hashes_of, seeds_of, versions_of
from anysyn.reporting.results import Results, chosen, find_results, read_results
from anysyn.reporting.scores import headline, tables, verdict
from anysyn.reporting.stages import stages_of
from anysyn.training.run_folder.folder import RunError, RunFolder
from anysyn.training.run_folder.names import HasFolder, find_run
from anysyn.training.run_folder.records import conforming
from anysyn.viewer.page import page_of

GENERATOR, BEGINNING = '<meta name="generator" content="anysyn ', 1000  # bytes of a page in which that stands
MOST = 24  # examples on a page, unless there are more pairs
MAIN = ("psnr", "ssim")  # metrics of the headline and the distributions, where the protocol has them


def report(
    run: str | Path | HasFolder,
    *,
    results: str | Path | None = None,
    out: str | Path | None = None,
    images: Sequence[str | Path] = (),
    overwrite: bool = False,
) -> Path:
    """Write one self-contained HTML page about a run: results, examples, training, recipe, versions.

    Args:
        run: A run folder. One that was not evaluated yet gets a page that says how to.
        results: Folder that `anysyn.evaluate` wrote; by default the run's latest.
        out: The page. By default ``report.html`` in the run folder, which follows from the run and so is made anew each
            time; a page elsewhere is only replaced if asked.
        images: Syntheses to look at in the page, files or folders, as `anysyn.view` shows them: with their sources,
            maps of trust and a linked crosshair. Whoever has the page has these images.
        overwrite: Whether a page elsewhere may be replaced.

    Returns:
        The page.

    Raises:
        RunError: If the folder is not a run, or a packaged one and no page was named.
        UserError: If the results are not there, a file cannot be read, or the page exists and may not be replaced or is
            no report.

    Example:
        >>> report("nowhere")
        Traceback (most recent call last):
        anysyn.training.run_folder.records.RunError: nowhere holds no recipe.yaml: it is not a run folder, and no ...
    """
    folder = find_run(run)
    own = folder.path / "report.html"
    place = folder.place(own.name, "name a page with --out") if out is None else Path(out)
    page = folder.outside(place, "choose another --out")
    if page.is_dir():
        raise UserError(f"{page} is a folder; name the HTML file in it, for example {page / 'report.html'}")
    if page.exists() and not overwrite and page.resolve() != own.resolve():
        raise UserError(f"{page} exists; allow replacing it with --overwrite, or choose another --out")
    _check_own(page)
    found = find_results(folder, results)
    viewer = page_of([Path(path) for path in images]) if images else None
    text = render(folder, None if found is None else read_results(found), sections_of(folder, results), viewer)
    if page == own:
        add_to_manifest(folder.path, own.name)
    write_text(page, text)
    return page


def _check_own(page: Path) -> None:
    """Refuse to replace what is no report, whatever is allowed."""
    if page.exists() and not (page.is_file() and GENERATOR.encode() in _beginning(page)):
        raise UserError(f"{page} is no report of anysyn's, so it is left alone; choose another --out, or move it away")


def _beginning(page: Path) -> bytes:
    with page.open("rb") as file:
        return file.read(BEGINNING)


def render(
    run: RunFolder,
    results: Results | None,
    sections: Sequence[ProbeSection],
    viewer: tuple[str, Sequence[Failure]] | None = None,
) -> str:
    """Return the page as text.

    Args:
        run: The run folder.
        results: Of its evaluation; None if there is none.
        sections: Of its probes.
        viewer: A page of images to be shown in it, and the images that it lacks.

    Raises:
        UserError: If a file of the run cannot be read.
    """
    text, recipe = read_bounded(run.recipe), _read_recipe(run.recipe)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("anysyn.reporting").joinpath("page.html").read_text(encoding="utf-8"))
    return template.render(
        name=recipe["name"],
        paper=recipe.get("paper"),
        modalities=recipe["modalities"],
        run=run.path,
        origin=[*training_facts(run, recipe), *(evaluation_facts(run, recipe, results) if results else [])],
        results=None if results is None else _results(results, recipe),
        sections=sections,
        viewer=viewer,
        stages=stages_of(run, recipe),
        left_out=run.read("failures.json") if (run.path / "failures.json").is_file() else [],
        ended=run.weights.is_file(),
        recipe=text,
        seeds=seeds_of(recipe, results),
        hashes=hashes_of(run),
        versions=versions_of(run, results),
        made_by=f"anysyn {version('anysyn')}",
    )


class _Split(TypedDict):
    seed: int


class _Data(TypedDict):
    root: str | None
    split: _Split
    prepare: NotRequired[list[dict[str, Any]]]


class _Stage(TypedDict):
    name: str
    epochs: int


class _Recipe(TypedDict):
    name: str
    modalities: list[str]
    seed: int
    data: _Data
    stages: list[_Stage]


def _read_recipe(path: Path) -> dict[str, Any]:
    """Read what the page needs of the recipe of a run; its parts may be those of a plugin that is not here."""
    try:
        recipe: dict[str, Any] = conforming(parse(path).tree, _Recipe)
    except RecipeError as error:
        raise RunError(f"{error}; restore the recipe, or train anew") from error
    except ValueError as error:
        raise RunError(f"{path}: not the recipe that a training writes ({error}); restore it or train anew") from error
    return recipe


def _results(results: Results, recipe: dict[str, Any]) -> dict[str, Any]:
    """Gather what the page shows of an evaluation."""
    cases, record = results.cases, results.record
    names = metrics_of(cases)
    main = [name for name in MAIN if name in names] or names[:1]
    summary, margin = summarise(cases), margins(cases)
    shown = chosen(results.examples, MOST)
    oriented = any(step.get("name") == "canonical" for step in recipe["data"].get("prepare", []))
    panels = [panel_of(example, oriented=oriented) for example in shown]
    return {
        "facts": headline(summary, margin, main),
        "verdict": verdict(margin, main[0]),
        "tables": tables(summary, names),
        "protocol": (record["protocol"]["name"], record["digest"]),
        "notes": record["notes"],
        "failures": record["failures"],
        "distributions": distributions(cases, main),
        "pairs": [(arrow(pair), list(of)) for pair, of in groupby(panels, attrgetter("pair"))],
        "oriented": oriented,
        "left_out": len(results.examples) - len(shown),
        "unread": results.unread,
        "limit": f"{LIMIT:.0%}",
        "error_bar": error_bar(),
        "grey_bar": grey_bar(),
    }
