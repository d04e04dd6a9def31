"""Completion: the contrasts that the subjects of a folder lack, from those that they have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from anysyn.data.records import Failure, listed
from anysyn.data.subjects.bids import is_bids
from anysyn.data.subjects.sidecars import sidecar_beside
from anysyn.data.volumes.study import read_study
from anysyn.errors import UserError
from anysyn.files import write_json
from anysyn.progress import Progress
from anysyn.synthesis.acquisition_request import asked_for
from anysyn.synthesis.files import NOTICE, digest, write_syntheses
from anysyn.synthesis.loaded_run import LoadedRun, load_run
from anysyn.synthesis.missing_contrasts import Missing, missing, trained_for
from anysyn.versions import versions


@dataclass(frozen=True)
class Completion:
    """Tell what a completion did.

    Args:
        written: The images that it wrote.
        kept: Images that an earlier call had written.
        failures: What could not be completed, and why.

    Example:
        >>> list(Completion((), (Path("a.nii.gz"),), ()).lines())
        ['images written: 0 (synthetic, not for clinical use); there already: 1']
    """

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    failures: tuple[Failure, ...]

    def lines(self) -> Iterable[str]:
        """Say it to the user."""
        yield f"images written: {len(self.written)} ({NOTICE}); there already: {len(self.kept)}"


def complete(
    run: str | Path | LoadedRun,
    *,
    data: str | Path,
    out: str | Path,
    targets: Sequence[str] | None = None,
    sources: Sequence[str] | None = None,
    resample_to: str | None = None,
    dataset: str | None = None,
    batch: int = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Completion:
    """Synthesize every contrast that a subject of a folder lacks, and write it beside a sidecar.

    A subject is shown all that it has and the run may be shown; a run that was trained with fewer sources at a time
    gets the first of them, in the order of `sources` or else of the recipe. What is written is a BIDS derivative, on
    the grid of the first source. What an earlier call wrote stays, so a call that was stopped can be made again.

    Args:
        run: A run folder, or a run that is loaded already.
        data: Folder (BIDS, or one folder for each subject) or CSV file of subjects with any contrasts.
        out: Folder of what is written.
        targets: Contrasts that every subject should have; by default all that the run was trained to answer.
        sources: Contrasts that may be shown, best first; by default all that the run was shown in training.
        resample_to: Source whose grid the others are resampled to, where they differ.
        dataset: As coming from which dataset of the training every subject is treated, or ``mean`` for the mean of all;
            by default each as coming from its own.
        batch: Slices or patches at once.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        overwrite: Make anew what an earlier call wrote.
        progress: Shown what is done; nothing, if None.

    Returns:
        What was written and what failed; a file that cannot be used costs its own subject alone.

    Raises:
        UserError: If the run, the data or a modality cannot be used, `out` lies in the data, or it holds images of
            another run or another dataset asked for.
    """
    loaded = (run if isinstance(run, LoadedRun) else load_run(run, accelerator=accelerator)).treat_as(dataset)
    trained = trained_for(loaded.recipe, sources, targets)
    root, folder = Path(data), Path(out)
    _check_apart(root, folder)
    subjects, unread = loaded.subjects(root, "all")
    broken = {failure.key for failure in unread}  # whose unreadable images must not pass for missing ones
    every = missing([one for one in subjects if one.key not in broken], trained, folder, anew=overwrite)
    kept = tuple(path for one in every for path in one.made.values())
    _check_own(loaded, kept)
    _describe(folder)
    failures, written = list(unread), list[Path]()
    for one in (progress or Progress()).over("completing", [one for one in every if one.todo]):
        with listed(failures, one.subject.key):
            _complete(loaded, one, resample_to, batch, overwrite)
            written += one.todo.values()
    return Completion(tuple(written), kept, tuple(failures))


def _complete(run: LoadedRun, one: Missing, resample_to: str | None, batch: int, overwrite: bool) -> None:
    subject, sources = one.subject, one.sources
    if not sources:
        raise UserError(f"has nothing that this run may be shown, only {', '.join(subject.images)}")
    study = read_study(subject, modalities=sources, resample_to=resample_to or run.recipe.data.resample_to)
    asked = asked_for(None, list(one.todo), study.acquisitions[sources[0]], study.grid)
    files = {name: subject.images[name] for name in sources}
    write_syntheses(run, study, files, one.todo, asked, batch=batch, overwrite=overwrite)


def _check_apart(data: Path, out: Path) -> None:
    """Refuse to write where synthetic images would be found as real ones the next time."""
    whole, inner = data.resolve(), out.resolve()
    if not (data.is_dir() and inner.is_relative_to(whole)):
        return
    bids = is_bids(data)
    if not (bids and inner.relative_to(whole).parts[:1] == ("derivatives",)):
        where = f"{data / 'derivatives' / 'anysyn'} or a folder outside" if bids else "a folder outside"
        raise UserError(f"--out {out} lies in {data}, where synthetic images would pass for real ones; choose {where}")


def _check_own(run: LoadedRun, kept: Sequence[Path]) -> None:
    """Refuse to go on where another run, or this one for another dataset, has begun."""
    own = {"sha256": digest(run.folder.weights)}
    for path in kept:
        said = sidecar_beside(path)
        if (said.get("Weights"), said.get("DatasetAskedFor")) != (own, run.dataset):
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
