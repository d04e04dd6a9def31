"""Completion: the contrasts that subjects lack, synthesized from those that they have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from anysyn.bounds import Count, within_bounds
from anysyn.data.errors import GridsDifferError, VolumeError
from anysyn.data.inventory.inventory import Inventory
from anysyn.data.inventory.record import record
from anysyn.data.records import Failure, Subject
from anysyn.data.subjects.layouts.bids_labels import Labels
from anysyn.data.subjects.placeholders import absent_images
from anysyn.data.volumes.formats import sidecar_path
from anysyn.data.volumes.study import read_study
from anysyn.errors import UserError
from anysyn.files import clear_unfinished, locked
from anysyn.progress import Progress, progress_of
from anysyn.recipe import Recipe
from anysyn.recipe.sections import Precision
from anysyn.synthesis.beside import Beside, Synthesized, planned, written_beside
from anysyn.synthesis.bids_entries import skull_stripped, source_uris
from anysyn.synthesis.completion.cohort import choices, not_to_complete, read_cohort, to_make, without
from anysyn.synthesis.completion.earlier_images import Records, check_same_request, check_same_run, earlier_records
from anysyn.synthesis.completion.missing_contrasts import Missing, Trained, missing, not_trained, trained_for
from anysyn.synthesis.files import request_record, write_syntheses
from anysyn.synthesis.given_run import GivenRun, loaded_run
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.notice import NOTICE
from anysyn.synthesis.own_dataset import describe
from anysyn.synthesis.parallel import Measure, Opener, measure_each
from anysyn.synthesis.requests.acquisition import requested_acquisitions
from anysyn.synthesis.slurm import Slurm
from anysyn.synthesis.suited import doubts, verdict_record
from anysyn.synthesis.written_images import check_replaceable, is_synthetic
from anysyn.text.counts import counted
from anysyn.text.in_notebooks import LinesInNotebooks


@dataclass(frozen=True)
class Completion(LinesInNotebooks):
    """The images that this call and an earlier one wrote, and what could not be completed.

    Args:
        written: Images of this call.
        kept: Images of an earlier call that are those that this one would make.
        failures: Subjects that could not be completed.
        synthetic: Images among the data that anysyn made, which are no sources.
        remarks: Images that count as absent, and why; what differs between a subject and the training images.
        beside: What else was written beside the images, for example maps of trust.
        choices: Files of the subjects that are not used, and why.
        whole: Subjects that lack nothing of the targets.
        targets: Contrasts that every subject should have.

    Example:
        >>> list(Completion((), (Path("a.nii.gz"),), ()).lines())
        ['images written: 0 (synthetic, not for clinical use); there already: 1']
    """

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    failures: tuple[Failure, ...]
    synthetic: tuple[Path, ...] = ()
    remarks: tuple[Failure, ...] = ()
    beside: tuple[Path, ...] = ()
    choices: tuple[Failure, ...] = ()
    whole: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Return how many images there are of each kind."""
        failures = counted(len(self.failures), "failure")
        return f"Completion({len(self.written)} written, {len(self.kept)} there already, {failures})"

    def lines(self) -> Iterable[str]:
        """Return the summary for the user."""
        yield from (f"note: {remark}" for remark in self.remarks)
        if self.whole:
            more = f" and {len(self.whole) - 1} more lack" if len(self.whole) > 1 else " lacks"
            yield f"{self.whole[0]}{more} nothing of {', '.join(self.targets)}"
        if self.synthetic:
            yield f"images left out because anysyn made them: {len(self.synthetic)}, the first {self.synthetic[0]}"
        yield f"images written: {len(self.written)} ({NOTICE}); there already: {len(self.kept)}"
        if self.beside:
            yield f"files written beside them: {len(self.beside)}, the first {self.beside[0]}"


@within_bounds
def complete(
    run: GivenRun,
    *,
    data: str | Path,
    out: str | Path,
    targets: str | Sequence[str] | None = None,
    sources: str | Sequence[str] | None = None,
    participants: str | Sequence[str] | None = None,
    sessions: str | Sequence[str] | None = None,
    bids: Labels | None = None,
    resample_to: str | None = None,
    dataset: str | None = None,
    batch: Count = 8,
    jobs: Count = 1,
    slurm: Slurm | None = None,
    accelerator: str = "auto",
    precision: Precision | None = None,
    overwrite: bool = False,
    anyway: bool = False,
    beside: Sequence[Beside] = (),
    progress: Progress | bool | None = None,
) -> Completion:
    """Synthesize every contrast that a subject of a folder lacks, and write it with a sidecar.

    The sources are all contrasts of a subject that the run was trained to read; a run that was trained with fewer at a
    time gets the first of them, in the order of `sources` or else of the recipe. The output is a BIDS derivative on the
    grid of the first source. Images of an earlier call stay if they are what this call would make, by the hashes of
    their sources, the weights and the request in their sidecars; so a call that was stopped can be repeated. Images
    that anysyn made are never sources here.

    Args:
        run: A run folder, or a run that is loaded already.
        data: Folder (BIDS, or one folder for each subject) or CSV file of subjects with any contrasts.
        out: Folder of the output, with the list of the subjects.
        targets: Contrasts that every subject should have; by default all that the run was trained to synthesize.
        sources: Contrasts to use, best first; by default all that the run was trained to read.
        participants: Labels of the people to complete, as BIDS has them; all by default. Calls for different people may
            write into one folder at once, and keep no list of all subjects.
        sessions: Labels of their sessions to complete, likewise; all by default.
        bids: Labels of the files to use where a BIDS dataset has several of a modality, by entity, for all modalities
            or one: ``{"T1w": {"acq": "highres"}}``; by default those of the recipe.
        resample_to: Source whose grid the others are resampled to if they differ.
        dataset: Treat every subject as this training dataset, or ``mean``; by default each as its own.
        batch: Slices or patches at once.
        jobs: Processes side by side, each with the run in its memory, on the GPUs in turn; on Slurm, jobs of an array.
        slurm: Submission to Slurm instead of processes here.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        precision: Arithmetic of the networks, as for `load_run`.
        overwrite: Whether images of an earlier call are synthesized again; no other file is ever replaced.
        anyway: Whether to synthesize from sources that the run does not suit, too; otherwise such a subject fails.
        beside: What is written beside the images, those of an earlier call too, for example `anysyn.TrustMaps`.
        progress: True shows it, in a notebook as a line for each task; or what shows it.

    Returns:
        The images and the failures; a file that cannot be used affects only its own subject, and a blank one is absent.

    Raises:
        UserError: If the run, the data or a modality cannot be used, `out` and the data lie in each other, `out` is a
            dataset of somebody else or holds images of another run or of another `dataset`, another process writes
            there, or one of several processes dies.
    """
    loaded = _loaded(run, accelerator, precision, dataset)
    trained = trained_for(loaded.recipe, sources, targets)
    unseen = [] if targets is not None else _unseen(loaded, trained)
    trained = replace(trained, targets=[name for name in trained.targets if name not in unseen])
    root, folder = Path(data), Path(out)
    people, some = {"participants": participants, "sessions": sessions}, not (participants is None and sessions is None)
    inventory = read_cohort(loaded, root, folder, trained, bids=bids or {}, **people)
    shown, failures = progress_of(progress), not_to_complete(inventory, trained)
    acquired, synthetic = _usable(inventory, failures)
    gaps = missing(acquired, trained, folder)
    with _alone(folder, {gap.place(folder) for gap in gaps} if some else None):
        earlier = {} if overwrite else earlier_records(gaps)
        check_same_run(loaded, earlier)
        describe(folder, root)
        left = [] if targets is not None else _left_out(acquired, loaded.recipe, trained.targets, unseen)
        for line in [*_read(inventory, folder, shown, some), *left, *to_make(gaps, earlier)]:
            shown.say(line)
        how = _How(root, trained, resample_to, batch, anyway, overwrite, tuple(beside))
        where = loaded.hardware.device.type if slurm is None else accelerator  # a node may have what is not here
        given = (loaded.folder.path, where, loaded.hardware.precision, loaded.dataset, how)
        about: dict[str, Any] = {"jobs": jobs, "slurm": slurm, "failures": failures, "progress": shown}
        about |= {"opener": Opener(str(folder), _begin, given), "title": "completing"}
        work = [_Work(gap, {p: r for p in gap.files.values() if (r := earlier.get(p))}) for gap in gaps if gap.files]
        done = [part for _, part in measure_each(work, partial(_complete, loaded, how), **about)]
    more: dict[str, Any] = {"choices": choices(inventory), "targets": tuple(trained.targets)}
    more |= {"whole": tuple(gap.subject.key for gap in gaps if not gap.files)}
    return replace(_together(done, failures, synthetic, absent_images(inventory.subjects)), **more)


def _read(inventory: Inventory, folder: Path, shown: Progress, some: bool) -> list[str]:
    """Keep the list of all who were read, or return what there is to say of some."""
    if some:
        return [f"note: {note}" for note in inventory.found.notes]
    record(inventory, folder, shown.say)
    return []


def _usable(inventory: Inventory, failures: Sequence[Failure]) -> tuple[list[Subject], list[Path]]:
    """Return the subjects that did not fail, with their acquired images, and which of theirs are synthetic."""
    failed = {bad.key for bad in failures}
    subjects = [subject for subject in inventory.subjects if subject.key not in failed]
    return [_acquired(subject) for subject in subjects], [path for one in subjects for path in _made(one).values()]


def _together(
    done: Sequence[Completion], failures: Sequence[Failure], synthetic: Sequence[Path], absent: Sequence[Failure]
) -> Completion:
    """Return the completion of all subjects."""
    written, kept, remarks, more = (
        tuple(entry for part in done for entry in getattr(part, name))
        for name in ("written", "kept", "remarks", "beside")
    )
    return Completion(written, kept, tuple(failures), tuple(synthetic), (*absent, *remarks), more)


@contextmanager
def _alone(folder: Path, people: Collection[Path] | None) -> Iterator[None]:
    """Lock the output, or the folders of some people alone."""
    with ExitStack() as held:
        for place in [folder] if people is None else sorted(people):
            held.enter_context(locked(place, "anysyn complete"))
        yield


def _left_out(
    acquired: Sequence[Subject], recipe: Recipe, targets: Sequence[str], unseen: Sequence[str]
) -> Iterator[str]:
    """Yield a line for what subjects lack and is not synthesized."""
    if unseen:
        yield f"not synthesized: {', '.join(unseen)}: no training subject has an image of it"
    yield from not_trained(acquired, recipe, [*targets, *unseen])


def _unseen(run: LoadedRun, trained: Trained) -> list[str]:
    """Return the targets of a recipe that its training subjects lacked, so that the network never learned them."""
    seen = run.pipeline.typical.overall
    return [name for name in trained.targets if seen and name not in seen]


def _acquired(subject: Subject) -> Subject:
    made = _made(subject)
    return replace(subject, images={name: path for name, path in subject.images.items() if name not in made})


def _made(subject: Subject) -> dict[str, Path]:
    return {name: path for name, path in subject.images.items() if is_synthetic(path)}


@dataclass(frozen=True)
class _How:
    """How subjects are completed, the same for all."""

    data: Path
    trained: Trained
    resample_to: str | None
    batch: int
    anyway: bool
    overwrite: bool
    beside: tuple[Beside, ...]


@dataclass(frozen=True)
class _Work:
    """What one subject lacks, and the sidecars of those of its images that are there already."""

    gap: Missing
    earlier: Records

    @property
    def key(self) -> str:
        return self.gap.subject.key


def _loaded(run: GivenRun, accelerator: str, precision: Precision | None, dataset: str | None) -> LoadedRun:
    return loaded_run(run, accelerator=accelerator, precision=precision).treat_as(dataset)


def _begin(run: Path, accelerator: str, precision: Precision, dataset: str | None, how: _How) -> Measure[Completion]:
    """Return the function that completes a subject in another process."""
    return partial(_complete, _loaded(run, accelerator, precision, dataset), how)


def _complete(run: LoadedRun, how: _How, work: _Work) -> Completion:
    """Synthesize and write what one subject lacks and what is not there already."""
    gap, onto = work.gap, how.resample_to or run.recipe.data.resample_to
    check_same_request(gap, work.earlier, onto)
    kept = tuple(path for path in gap.files.values() if path in work.earlier)
    todo = {name: path for name, path in gap.files.items() if path not in work.earlier}
    if not todo and not how.beside:
        return Completion((), kept, ())
    made = _made_of(run, gap, onto, how)
    plans = planned(how.beside, made, overwrite=how.overwrite)
    remarks = _write(made, todo, how.data, onto, how.anyway)
    return Completion(tuple(todo.values()), kept, (), (), tuple(remarks), tuple(written_beside(plans, made)))


def _made_of(run: LoadedRun, gap: Missing, onto: str | None, how: _How) -> Synthesized:
    """Return what there is to be of a subject, with its sources read."""
    subject, sources = gap.subject, gap.sources
    if not sources:
        raise UserError(f"has no contrast that this run was trained to read, only {', '.join(subject.images)}")
    files = {name: subject.images[name] for name in sources}
    with _advised(files, subject, how.trained):
        study = read_study(subject, modalities=sources, resample_to=onto)
    requested = requested_acquisitions(None, list(gap.files), study.acquisitions[sources[0]], study.grid)
    about: dict[str, Any] = {"images": gap.files, "acquisitions": requested, "batch": how.batch}
    return Synthesized(run=run, study=study, sources=files, **about)


@contextmanager
def _advised(files: Mapping[str, Path], subject: Subject, trained: Trained) -> Iterator[None]:
    """Say what else helps who has sources that cannot be read together."""
    try:
        yield
    except GridsDifferError as error:
        remedy = (
            "register them with --prepare or, if they are registered, resample them onto one with --resample-to "
            f"{error.onto}, which registers nothing"
        )
        raise GridsDifferError.of(error.images, error.onto, remedy) from error
    except VolumeError as error:
        lost = [name for name, path in files.items() if str(error).startswith(f"{path}: ")]
        remedy = without(trained, lost, subject.images)
        raise VolumeError(f"{error}; {remedy}" if remedy else str(error)) from error


def _write(made: Synthesized, todo: Mapping[str, Path], data: Path, onto: str | None, anyway: bool) -> list[Failure]:
    """Synthesize and write what is to do; return the doubts about the sources."""
    if not todo:
        return []
    for path in todo.values():
        check_replaceable(path, made.sources.values())
        clear_unfinished(path, sidecar_path(path))
    request, first = request_record(list(made.sources), onto), next(iter(made.sources))
    entries = source_uris(made.sources.values(), data) | skull_stripped(made.study, first, made.sources[first])
    verdict = write_syntheses(replace(made, images=todo), request, anyway=anyway, entries=entries)
    return list(doubts(made.study.key, verdict_record(verdict)))
