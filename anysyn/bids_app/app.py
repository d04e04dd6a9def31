"""The participant level of the BIDS App: completion, and then a page for each participant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anysyn.bids_app.participant_page import write_page
from anysyn.data.inventory.participants import PREFIX, label_of
from anysyn.data.records import Failure, listed
from anysyn.data.subjects.layouts.bids_labels import Labels
from anysyn.errors import UserError
from anysyn.progress import Progress
from anysyn.synthesis import Completion, complete, load_run
from anysyn.synthesis.bids_entries import dataset_of
from anysyn.synthesis.completion.missing_contrasts import SYNTHETIC
from anysyn.synthesis.scans import synthesize_scans
from anysyn.synthesis.written_images import whole_record
from anysyn.trust.written_maps import TrustMaps


@dataclass(frozen=True)
class AppResult:
    """What the BIDS App did.

    Args:
        completion: The images.
        pages: A page for each participant.
        failures: Participants that could not be completed, and pages that could not be written.

    Example:
        >>> list(AppResult(Completion((), (), ()), (Path("out/sub-01.html"),), ()).lines())[-1]
        'pages: 1, the first out/sub-01.html'
    """

    completion: Completion
    pages: tuple[Path, ...]
    failures: tuple[Failure, ...]

    def lines(self) -> Iterator[str]:
        """Yield the summary for the user."""
        yield from self.completion.lines()
        if self.pages:
            yield f"pages: {len(self.pages)}, the first {self.pages[0]}"


def complete_participants(
    bids_dir: str | Path,
    out_dir: str | Path,
    *,
    model: str | Path,
    participants: Sequence[str] | None = None,
    sessions: Sequence[str] | None = None,
    bids: Labels | None = None,
    prepare: bool = False,
    accelerator: str = "auto",
    precision: Any = None,
    trust: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> AppResult:
    """Synthesize what participants of a BIDS dataset lack, as a BIDS derivative with a page for each participant.

    Args:
        bids_dir: The dataset.
        out_dir: The derivative, for example ``BIDS_DIR/derivatives/anysyn``.
        model: A run folder, or the name of a packaged run.
        participants: Their labels; all by default.
        sessions: Labels of their sessions; all by default.
        bids: Labels of the files to use, as for `anysyn.complete`.
        prepare: Whether the scans are prepared first, as those of the run's training were.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        precision: Arithmetic of the networks, as for `anysyn.load`.
        trust: Whether maps of the expected error are written beside each image.
        progress: What shows the progress.
        options: Further ones of `anysyn.complete`, or with ``prepare`` of `anysyn.synthesize_scans`.

    Returns:
        The images, the pages, and who could not be completed; the others are.

    Raises:
        UserError: If the folder is no BIDS dataset, and as `anysyn.complete`.

    Example:
        >>> complete_participants("nowhere", "out", model="brain-mri")
        Traceback (most recent call last):
        anysyn.errors.UserError: nowhere: is no BIDS dataset (no dataset_description.json, no sub-*/anat); ...
    """
    root, out = Path(bids_dir), Path(out_dir)
    if dataset_of(root) is None:
        raise UserError(
            f"{root}: is no BIDS dataset (no dataset_description.json, no sub-*/anat); check the path, or complete "
            "other folders with `anysyn complete`"
        )
    run = load_run(model, accelerator=accelerator, precision=precision)
    asked: dict[str, Any] = {"participants": participants, "sessions": sessions, "bids": bids, "out": out}
    asked |= {
        "beside": [TrustMaps.of(run)] if trust else (),
        "accelerator": accelerator,
        "progress": progress,
        **options,
    }
    done = synthesize_scans(run, source=root, missing=True, **asked) if prepare else complete(run, data=root, **asked)
    failures, pages = list(done.failures), list[Path]()
    for label in _labels(done, out):
        with listed(failures, f"{PREFIX}{label}", "page"):
            pages.append(write_page(label, _images(label, out), done, run=run, data=root, out=out))
    return AppResult(done, tuple(pages), tuple(failures))


def _labels(done: Completion, out: Path) -> list[str]:
    """Return the labels of the people of a call: who was completed, who could not be, who lacks nothing."""
    keys = [*(case.key for case in done.failures), *done.whole]
    keys += [path.relative_to(out).parts[0] for path in (*done.written, *done.kept)]
    return sorted({label_of(key) for key in keys if re.match(rf"{PREFIX}[A-Za-z0-9]", key)})


def _images(label: str, out: Path) -> list[Path]:
    """Return the synthetic images that are there of a person, those of earlier calls, too."""
    images = (out / f"{PREFIX}{label}").rglob(f"*_desc-{SYNTHETIC}_*.nii.gz")
    return sorted(path for path in images if whole_record(path) is not None)
