"""The preparation of a folder of people: a BIDS derivative that anysyn reads as it reads any dataset."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anysyn.bounds import Count, Positive, within_bounds
from anysyn.data.inventory.inventory import Inventory, needed
from anysyn.data.inventory.record import record as keep_inventory
from anysyn.data.modalities import modality
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.data.subjects.find import Layout
from anysyn.data.subjects.layouts.bids import bids_place
from anysyn.errors import UserError
from anysyn.files import contents_of, listing, locked, write_json, write_manifest, write_text
from anysyn.progress import Progress, progress_of
from anysyn.scans.brain import network
from anysyn.scans.errors import PreparationError
from anysyn.scans.intake import found_scans, is_dicom
from anysyn.scans.people import Outcome, outcomes
from anysyn.scans.person_files import FILES
from anysyn.scans.steps import Steps
from anysyn.text.several import several
from anysyn.versions import versions

MADE_BY = "anysyn prepare"


@dataclass(frozen=True)
class PreparedStudy:
    """A folder of prepared people.

    Args:
        folder: The folder.
        outcomes: What became of each person.
        failures: People and contrasts that could not be prepared.
    """

    folder: Path
    outcomes: tuple[Outcome, ...]
    failures: tuple[Failure, ...]

    def lines(self) -> Iterable[str]:
        """Return the summary for the user."""
        kept = sum(one.kept for one in self.outcomes)
        new = sum(one.record is not None and not one.kept for one in self.outcomes)
        yield f"{self.folder}: people prepared: {new}; there already: {kept}; not for clinical use"


@within_bounds
def prepare(
    source: str | Path,
    *,
    out: str | Path,
    to: str | None = None,
    brain: bool = False,
    bias: bool = False,
    headers: bool = False,
    spacing: Positive | None = None,
    contrasts: str | Sequence[str] | None = None,
    layout: Layout = "auto",
    found: FoundSubjects | None = None,
    jobs: Count = 1,
    overwrite: bool = False,
    progress: Progress | bool | None = None,
) -> PreparedStudy:
    """Prepare the scans of people: register each person's contrasts, remove bias and skull, and resample, once.

    The output is a BIDS derivative. The sidecar of each image records every step: the matrix, the brain mask, the bias
    field and both grids, from which `anysyn.scans.way_back` returns to the scan as it came. Who is there, whole and of
    the same files and options, stays.

    Args:
        source: A folder of NIfTI (BIDS or not) or of DICOM, a CSV or a ZIP of DICOM.
        out: Folder of the output.
        to: Modality in whose world a person's scans are brought together; by default the first that the person has.
        brain: Whether all but the brain is removed (extra ``anysyn[brain]``).
        bias: Whether the bias field of MRI is removed.
        headers: Whether a person's scans lie where their headers say, as those of one examination should, and are not
            registered.
        spacing: Edge of the voxels in mm; by default those of the reference.
        contrasts: Those to prepare, the default reference first; by default all, in the order of the modality table.
        layout: How a folder of NIfTI is laid out.
        found: The people in the source, where it was searched already.
        jobs: Processes.
        overwrite: Whether people of an earlier call are prepared again; no other file is ever replaced.
        progress: True shows it, in a notebook as a line for each task; or what shows it.

    Returns:
        What was prepared, and what could not be.

    Raises:
        UserError: If the source cannot be read, `out` lies in it or holds files that `prepare` did not write, or an
            extra is missing.
    """
    root, folder, shown = Path(source), Path(out), progress_of(progress)
    steps = Steps(to=to, brain=brain, bias=bias, headers=headers, spacing=spacing)
    steps.record()  # an unknown modality is an error before anything is read
    if brain:
        network.check_installed()
    _check_apart(root, folder)
    with locked(folder, MADE_BY), tempfile.TemporaryDirectory() as converted:
        _begin(folder)
        found = _of_contrasts(found or found_scans(root, converted, layout=layout), contrasts)
        _check_labels(found.subjects)
        _keep(found, root, folder, shown)
        steps_taken = outcomes(found.subjects, folder, steps, jobs=jobs, overwrite=overwrite)
        done = tuple(next(steps_taken) for _ in shown.over("preparing", found.subjects))
        _write_people(folder, done)
    return PreparedStudy(folder, done, (*found.failures, *(bad for one in done for bad in one.failures)))


def _of_contrasts(found: FoundSubjects, contrasts: str | Sequence[str] | None) -> FoundSubjects:
    """Keep some contrasts, in this order; who has none of them is listed."""
    if contrasts is None:
        return found
    names = [modality(name).name for name in several(contrasts)]
    shown = needed(found, names)
    some, without = list[Subject](), list[Failure]()
    for subject in shown.subjects:
        images = {name: subject.images[name] for name in names if name in subject.images}
        if images:
            some.append(replace(subject, images=images))
        else:
            without.append(
                Failure(subject.key, None, f"has none of {', '.join(names)}, only {', '.join(subject.images)}")
            )
    return replace(shown, subjects=tuple(some), failures=(*shown.failures, *without))


def _check_apart(source: Path, out: Path) -> None:
    """Refuse an output among the scans, where prepared images would be taken for scans, and one that holds them."""
    whole, inner = (source if source.is_dir() else source.parent).resolve(), out.resolve()
    if source.is_dir() and inner.is_relative_to(whole) and inner.relative_to(whole).parts[:1] != ("derivatives",):
        raise UserError(f"--out {out} lies in {source}, where prepared images would pass for scans; choose one outside")
    if whole.is_relative_to(inner):
        raise UserError(f"--out {out} holds {source}; choose a folder of its own")


def _begin(folder: Path) -> None:
    """Refuse a folder with anything that `prepare` did not write; begin it otherwise."""
    contents = contents_of(folder, MADE_BY)
    foreign = [*contents.foreign, *(inner.folder for inner in contents.nested)]
    if foreign:
        raise PreparationError(
            f"--out {folder} holds {listing(foreign, folder)}, which {MADE_BY} did not write; choose another"
        )
    write_manifest(folder, MADE_BY, FILES)
    about: dict[str, Any] = {"Name": "Prepared scans", "BIDSVersion": "1.9.0", "DatasetType": "derivative"}
    write_json(
        folder / "dataset_description.json",
        about | {"GeneratedBy": [{"Name": MADE_BY, "Version": versions()["anysyn"]}]},
    )


def _check_labels(subjects: Sequence[Subject]) -> None:
    labels: dict[str, str] = {}
    for subject in subjects:
        label = bids_place(subject.key)[1]
        if (other := labels.setdefault(label, subject.key)) != subject.key:
            raise UserError(f"{other} and {subject.key} would both be called {label}; rename one of them")


def _keep(found: FoundSubjects, root: Path, folder: Path, shown: Progress) -> None:
    if is_dicom(root):  # the converted files are gone at the end
        for failure in found.ignored:
            shown.say(f"left out: {failure}")
        return
    keep_inventory(Inventory(root=root, found=found), folder, shown.say)


def _write_people(folder: Path, done: Iterable[Outcome]) -> None:
    """Write participants.tsv: age, sex and the dataset of each person, where they are known."""
    rows: dict[str, list[str]] = {}
    for one in done:
        if one.record is not None:
            row = one.record["Row"]
            person = bids_place(one.key)[1].partition("_")[0]
            rows.setdefault(
                person, [("n/a" if row[key] in (None, "") else str(row[key])) for key in ("age", "sex", "site")]
            )
    lines = [
        "\t".join(("participant_id", "age", "sex", "site")),
        *("\t".join((key, *row)) for key, row in rows.items()),
    ]
    write_text(folder / "participants.tsv", "\n".join(lines) + "\n")
    columns = {
        "age": {"Units": "years"},
        "sex": {"Description": "Sex"},
        "site": {"Description": "Dataset of the scans"},
    }
    write_json(folder / "participants.json", columns)
