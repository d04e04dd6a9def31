"""The page of a participant: sources and syntheses, what is doubtful, what failed, and what made them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from anysyn.bids_app.pictures import Row, rows_of
from anysyn.citations import cite
from anysyn.data.inventory.participants import label_of
from anysyn.data.subjects.sidecars import read_sidecar
from anysyn.data.volumes.formats import sidecar_path
from anysyn.files import write_text
from anysyn.synthesis import Completion, LoadedRun
from anysyn.synthesis.bids_entries import RAW, dataset_of
from anysyn.synthesis.notice import NOTICE
from anysyn.synthesis.written_images import sources_of


@dataclass(frozen=True)
class Session:
    """What was synthesized of one session.

    Args:
        name: Its place in the derivative, ``sub-01/ses-1``.
        rows: The planes of the sources and of the syntheses.
        facts: For each synthetic image its target, its file, its sources, and how the run suits them.
    """

    name: str
    rows: tuple[Row, ...]
    facts: tuple[tuple[str, str, str, str], ...]


def write_page(label: str, images: Sequence[Path], done: Completion, *, run: LoadedRun, data: Path, out: Path) -> Path:
    """Write the page of a participant, ``sub-LABEL.html``; one of an earlier call is replaced.

    Args:
        label: Of the participant.
        images: Synthetic images of the participant.
        done: The completion.
        run: The run that synthesized them.
        data: The dataset of the sources.
        out: The derivative.

    Raises:
        UserError: If an image cannot be read.
        OSError: If the page cannot be written.
    """
    page = out / f"sub-{label}.html"
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((files("anysyn.bids_app") / "page.html").read_text(encoding="utf-8"))
    write_text(
        page,
        template.render(
            label=label,
            notice=NOTICE,
            sessions=list(_sessions(images, data, out)),
            failures=[case.reason for case in done.failures if label_of(case.key) == label],
            remarks=[case.reason for case in done.remarks if label_of(case.key) == label],
            run=run.recipe.name,
            made_by=f"anysyn {version('anysyn')}",
            bibtex="\n".join(cite(run.folder.recipe).lines()),
        ),
    )
    return page


def _sessions(images: Sequence[Path], data: Path, out: Path) -> Iterator[Session]:
    for folder in dict.fromkeys(path.parent.parent for path in images):
        mine = [path for path in images if path.parent.parent == folder]
        records = {path: read_sidecar(sidecar_path(path)) for path in mine}
        shown = {f"source: {name}": path for record in records.values() for name, path in _sources(record, data)}
        shown |= {f"synthetic: {record['Target']}": path for path, record in records.items()}
        facts = (_facts(record, path.relative_to(out)) for path, record in records.items())
        yield Session(folder.relative_to(out).as_posix(), tuple(rows_of(shown)), tuple(facts))


def _sources(record: dict[str, Any], data: Path) -> Iterator[tuple[str, Path]]:
    """Yield the sources of an image, by their BIDS URIs."""
    root = dataset_of(data) or data
    for name, uri in zip(sources_of(record), record.get("Sources", ()), strict=True):
        yield name, root / str(uri).removeprefix(f"bids:{RAW}:")


def _facts(record: dict[str, Any], path: Path) -> tuple[str, str, str, str]:
    suits = record.get("Suitability", {}).get("Level", "not asked")
    return str(record["Target"]), path.as_posix(), ", ".join(sources_of(record)), str(suits)
