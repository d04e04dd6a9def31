"""The participant level of the BIDS App: completion, and then a page for each participant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anysyn.bids_app.participant_page import write_page
from anysyn.data.inventory.participants import PREFIX, label_of
from anysyn.data.records import Failure, listed
from anysyn.errors import UserError
from anysyn.progress import Progress
from anysyn.synthesis import Completion, complete, load_run
from anysyn.synthesis.bids_entries import dataset_of


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
    accelerator: str = "auto",
    progress: Progress | None = None,
    **options: Any,
) -> AppResult:
    """Synthesize what participants of a BIDS dataset lack, as a BIDS derivative with a page for each participant.

    Args:
        bids_dir: The dataset.
        out_dir: The derivative, for example ``BIDS_DIR/derivatives/anysyn``.
        model: A run folder, or the name of a packaged run.
        participants: Their labels; all by default.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        progress: What shows the progress.
        options: Further ones of `anysyn.complete`.

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
    run = load_run(model, accelerator=accelerator)
    done = complete(run, data=root, out=out, participants=participants, progress=progress, **options)
    failures, pages = list(done.failures), list[Path]()
    for label, images in _by_person(done, out).items():
        with listed(failures, f"{PREFIX}{label}", "page"):
            pages.append(write_page(label, images, done, run=run, data=root, out=out))
    return AppResult(done, tuple(pages), tuple(failures))


def _by_person(done: Completion, out: Path) -> dict[str, list[Path]]:
    """Return the synthetic images by the label of the person; who failed has none."""
    people: dict[str, list[Path]] = {label_of(failure.key): [] for failure in done.failures}
    for path in (*done.written, *done.kept):
        people.setdefault(path.relative_to(out).parts[0].removeprefix(PREFIX), []).append(path)
    return {label: sorted(paths) for label, paths in sorted(people.items())}
