"""Completion: the contrasts that subjects lack, synthesized from those that they have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from anysyn.bounds import Count, within_bounds
from anysyn.data.records import Failure, listed
from anysyn.data.subjects.bids import is_bids
from anysyn.data.subjects.sidecars import sidecar_beside
from anysyn.data.volumes.study import read_study
from anysyn.errors import UserError
from anysyn.files import write_json
from anysyn.progress import Progress
from anysyn.synthesis.acquisition_request import requested_acquisitions
from anysyn.synthesis.files import NOTICE, digest, write_syntheses
from anysyn.synthesis.loaded_run import LoadedRun, load_run
from anysyn.synthesis.missing_contrasts import Missing, missing, trained_for
from anysyn.versions import versions


@dataclass(frozen=True)
class Completion:
    """The images that this call and an earlier one wrote, and the subjects that could not be completed.

    Example:
        >>> list(Completion((), (Path("a.nii.gz"),), ()).lines())
        ['images written: 0 (synthetic, not for clinical use); there already: 1']
    """

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    failures: tuple[Failure, ...]

    def lines(self) -> Iterable[str]:
        """Return the summary for the user."""
        yield f"images written: {len(self.written)} ({NOTICE}); there already: {len(self.kept)}"


@within_bounds
def complete(
    run: str | Path | LoadedRun,
    *,
    data: str | Path,
    out: str | Path,
    targets: Sequence[str] | None = None,
    sources: Sequence[str] | None = None,
    resample_to: str | None = None,
    dataset: str | None = None,
    batch: Count = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Completion:
    """Synthesize every contrast that a subject of a folder lacks, and write it with a sidecar.

    The sources are all contrasts of a subject that the run was trained to read; a run that was trained with fewer at a
    time gets the first of them, in the order of `sources` or else of the recipe. The output is a BIDS derivative on the
    grid of the first source. Images of an earlier call stay, so a call that was stopped can be repeated.

    Args:
        run: A run folder, or a run that is loaded already.
        data: Folder (BIDS, or one folder for each subject) or CSV file of subjects with any contrasts.
        out: Folder of the output.
        targets: Contrasts that every subject should have; by default all that the run was trained to synthesize.
        sources: Contrasts to use, best first; by default all that the run was trained to read.
        resample_to: Source whose grid the others are resampled to if they differ.
        dataset: Treat every subject as this training dataset, or ``mean``; by default each as its own.
        batch: Slices or patches at once.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        overwrite: Whether images of an earlier call are synthesized again.
        progress: What shows the progress; None shows nothing.

    Returns:
        The images and the failures; a file that cannot be used affects only its own subject.

    Raises:
        UserError: If the run, the data or a modality cannot be used, `out` lies in the data, or it holds images of
            another run or of another `dataset`.
    """
    loaded = (run if isinstance(run, LoadedRun) else load_run(run, accelerator=accelerator)).treat_as(dataset)
    trained = trained_for(loaded.recipe, sources, targets)
    root, folder = Path(data), Path(out)
    _check_apart(root, folder)
    subjects, unread = loaded.subjects(root, "all")
    broken = {failure.key for failure in unread}  # whose unreadable images must not pass for missing ones
    readable = [subject for subject in subjects if subject.key not in broken]
    gaps = missing(readable, trained, folder, anew=overwrite)
    kept = tuple(path for gap in gaps for path in gap.done.values())
    _check_own(loaded, kept)
    _describe(folder)
    failures, written = list(unread), list[Path]()
    for gap in (progress or Progress()).over("completing", [gap for gap in gaps if gap.todo]):
        with listed(failures, gap.subject.key):
            _complete(loaded, gap, resample_to, batch, overwrite)
            written += gap.todo.values()
    return Completion(tuple(written), kept, tuple(failures))


def _complete(run: LoadedRun, gap: Missing, resample_to: str | None, batch: int, overwrite: bool) -> None:
    subject, sources = gap.subject, gap.sources
    if not sources:
        raise UserError(f"has no contrast that this run was trained to read, only {', '.join(subject.images)}")
    study = read_study(subject, modalities=sources, resample_to=resample_to or run.recipe.data.resample_to)
    requested = requested_acquisitions(None, list(gap.todo), study.acquisitions[sources[0]], study.grid)
    files = {name: subject.images[name] for name in sources}
    write_syntheses(run, study, files, gap.todo, requested, batch=batch, overwrite=overwrite)


def _check_apart(data: Path, out: Path) -> None:
    """Refuse a folder in which synthetic images would later be read as real ones."""
    whole, inner = data.resolve(), out.resolve()
    if not (data.is_dir() and inner.is_relative_to(whole)):
        return
    bids = is_bids(data)
    if not (bids and inner.relative_to(whole).parts[:1] == ("derivatives",)):
        where = f"{data / 'derivatives' / 'anysyn'} or a folder outside" if bids else "a folder outside"
        raise UserError(f"--out {out} lies in {data}, where synthetic images would pass for real ones; choose {where}")


def _check_own(run: LoadedRun, kept: Sequence[Path]) -> None:
    """Refuse to continue the output of another run, or of this one for another dataset."""
    own = {"sha256": digest(run.folder.weights)}
    for path in kept:
        record = sidecar_beside(path)
        if (record.get("Weights"), record.get("DatasetAskedFor")) != (own, run.dataset):
            raise UserError(
                f"{path} was made by another run, or with another --dataset; choose another --out, or make it anew "
                "with --overwrite"
            )


def _describe(out: Path) -> None:
    path = out / "dataset_description.json"
    if not path.exists():
        by = {"Name": "anysyn", "Version": versions()["anysyn"]}
        about = {"Name": f"anysyn: {NOTICE}", "BIDSVersion": "1.9.0", "DatasetType": "derivative"}
        write_json(path, about | {"GeneratedBy": [by]})
