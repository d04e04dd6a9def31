"""The page of a participant: sources and syntheses, what is doubtful, what failed, and what made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from anysyn.bids_app.pictures import Row, rows_of
from anysyn.citations import cite
from anysyn.data.inventory.participants import label_of
from anysyn.data.records import Failure
from anysyn.data.subjects.sidecars import read_sidecar
from anysyn.data.volumes.formats import sidecar_path
from anysyn.files import write_text
from anysyn.synthesis import Completion, LoadedRun
from anysyn.synthesis.bids_entries import RAW, dataset_of
from anysyn.synthesis.notice import NOTICE
from anysyn.synthesis.scans import STUDY
from anysyn.synthesis.written_images import sources_of


@dataclass(frozen=True)
class Session:
    """What was synthesized of one session.

    Args:
        name: Its place in the derivative, ``sub-01/ses-1``.
        rows: The planes of the sources and of the syntheses.
        facts: For each synthetic image its target, its sources, how the run suits them, its file, and which call made
            it.
    """

    name: str
    rows: tuple[Row, ...]
    facts: tuple[tuple[str, str, str, str, str], ...]


def write_page(label: str, images: Sequence[Path], done: Completion, *, run: LoadedRun, data: Path, out: Path) -> Path:
    """Write the page of a participant, ``sub-LABEL.html``; one of an earlier call is replaced.

    Args:
        label: Of the participant.
        images: Synthetic images of the participant that are there, those of earlier calls, too.
        done: The completion.
        run: The run that synthesized them.
        data: The dataset of the sources.
        out: The derivative.

    Raises:
        UserError: If a sidecar cannot be read.
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
            sessions=list(_sessions(images, done, data, out)),
            failures=[_line(case) for case in done.failures if label_of(case.key) == label],
            notes=list(_notes(done, label)),
            run=run.recipe.name,
            made_by=f"anysyn {version('anysyn')}",
            bibtex="\n".join(cite(run.folder.recipe).lines()),
        ),
    )
    return page


def _line(case: Failure) -> str:
    return case.reason if case.reason.startswith(case.key) else str(case)


def _notes(done: Completion, label: str) -> Iterator[str]:
    """Yield what is to be known about a participant: who lacks nothing, what is doubtful, which files are not used."""
    for key in done.whole:
        if label_of(key) == label:
            yield f"{key} lacks nothing of {', '.join(done.targets)}"
    for case in (*done.remarks, *done.choices):
        if label_of(case.key) == label:
            yield _line(case)


def _sessions(images: Sequence[Path], done: Completion, data: Path, out: Path) -> Iterator[Session]:
    for folder in dict.fromkeys(path.parent.parent for path in images):
        mine = [path for path in images if path.parent.parent == folder]
        records = {path: read_sidecar(sidecar_path(path)) for path in mine}
        shown = {f"source: {name}": path for one in records.values() for name, path in _sources(one, data, out)}
        shown |= {f"synthetic: {record['Target']}": path for path, record in records.items()}
        facts = (_facts(record, path.relative_to(out), _call(path, done)) for path, record in records.items())
        yield Session(folder.relative_to(out).as_posix(), tuple(rows_of(shown)), tuple(facts))


def _sources(record: Mapping[str, Any], data: Path, out: Path) -> Iterator[tuple[str, Path]]:
    """Yield the sources of an image in the order in which they were shown, with their files."""
    root, uris = dataset_of(data) or data, record.get("Sources", ())
    files = {str(uri).rpartition("/")[2]: root / str(uri).removeprefix(f"bids:{RAW}:") for uri in uris}
    for name in _shown(record):
        file = str(sources_of(record)[name]["file"])
        yield name, files.get(file) or next((out / STUDY).rglob(file), out / STUDY / file)  # prepared, it has no URI


def _shown(record: Mapping[str, Any]) -> list[str]:
    """Return the modalities that were shown; the entry about their files is sorted by name, the request is not."""
    sources = sources_of(record)
    return sorted(sources, key=[*record.get("Request", {}).get("Sources", ()), *sources].index)


def _call(path: Path, done: Completion) -> str:
    return "this call" if path in done.written else "an earlier call"


def _facts(record: Mapping[str, Any], path: Path, call: str) -> tuple[str, str, str, str, str]:
    suits = record.get("Suitability", {}).get("Level", "not asked")
    return str(record["Target"]), ", ".join(_shown(record)), str(suits), path.as_posix(), call
