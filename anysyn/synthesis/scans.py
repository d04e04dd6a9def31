"""Synthesis from scans as they come: prepared as those of the training, and brought back to the scan's own grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from anysyn.acquisition import Acquisition
from anysyn.bounds import Count, within_bounds
from anysyn.data.errors import VolumeError
from anysyn.data.geometry.output_grid import Raster
from anysyn.data.inventory.inventory import Inventory
from anysyn.data.inventory.participants import of_people
from anysyn.data.records import Failure, FoundSubjects, Subject, listed
from anysyn.data.subjects.find import find_subjects
from anysyn.data.subjects.layouts.bids import bids_place
from anysyn.data.subjects.layouts.bids_labels import Labels
from anysyn.data.subjects.remedies import OF_DATA, OF_TABLE
from anysyn.data.volumes.study import read_study
from anysyn.data.volumes.volume import Volume
from anysyn.errors import UserError
from anysyn.files import locked
from anysyn.progress import Progress, progress_of
from anysyn.recipe.sections import Precision
from anysyn.scans.intake import ConvertedScans, is_dicom, of_dicom
from anysyn.scans.person_files import acquired
from anysyn.scans.prepare import prepare
from anysyn.scans.training_study import is_study, steps_like, training_study
from anysyn.synthesis.beside import Beside, Synthesized, planned, written_beside
from anysyn.synthesis.bids_entries import skull_stripped
from anysyn.synthesis.completion.cohort import choices
from anysyn.synthesis.completion.complete import Completion
from anysyn.synthesis.completion.missing_contrasts import Trained, trained_for
from anysyn.synthesis.files import assumptions_record, grid_record, provenance, synthesize_physical
from anysyn.synthesis.from_dicom import SeriesBeside
from anysyn.synthesis.given_run import GivenRun, loaded_run
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.own_dataset import check_apart, check_own, describe
from anysyn.synthesis.physical_range import PhysicalImage
from anysyn.synthesis.requests.acquisition import check_conditioned, requested_acquisitions
from anysyn.synthesis.requests.scans import ScanRequest, scan_request, scans_as_they_came
from anysyn.synthesis.suited import doubts, verdict_on, verdict_record
from anysyn.synthesis.written_images import (
    check_replaceable,
    digest,
    is_synthetic,
    same,
    source_record,
    sources_of,
    whole_record,
    write_synthetic,
)

STUDY = "prepared"  # folder of the prepared scans within the output


@within_bounds
def synthesize_scans(
    run: GivenRun,
    *,
    source: str | Path,
    out: str | Path,
    targets: str | Sequence[str] | None = None,
    sources: str | Sequence[str] | None = None,
    missing: bool = False,
    participants: Sequence[str] | None = None,
    sessions: Sequence[str] | None = None,
    bids: Labels | None = None,
    to: str | None = None,
    headers: bool = False,
    acquisition: Acquisition | Mapping[str, Acquisition] | None = None,
    dataset: str | None = None,
    batch: Count = 8,
    jobs: Count = 1,
    accelerator: str = "auto",
    precision: Precision | None = None,
    overwrite: bool = False,
    anyway: bool = False,
    beside: Sequence[Beside] = (),
    dicom: str | Path | None = None,
    progress: Progress | bool | None = None,
) -> Completion:
    """Prepare scans as those of a run's training were, synthesize from them, and bring the answer to the scan's grid.

    On the grid of the reference, whose voxels run along those of the study, the network is asked directly; on that of a
    scan that was turned against it, its answer is sampled once.

    Args:
        run: A run folder, or a run that is loaded already.
        source: A folder of NIfTI or DICOM, a CSV, a ZIP of DICOM, or a study that `anysyn prepare` made.
        out: Folder of the output; the prepared scans are in its folder ``prepared``.
        targets: Modalities to synthesize; by default all that the run was trained for.
        sources: Modalities to use, best first; by default all that the run was trained to read.
        missing: Whether only what a person lacks is synthesized.
        participants: Labels of the people, as BIDS has them; all by default.
        sessions: Labels of their sessions, likewise.
        bids: Labels of the files to use where a BIDS dataset has several of a modality, as for `anysyn.complete`.
        to: Modality whose grid is answered on; by default the first source that the person has.
        headers: Whether a person's scans lie where their headers say, as those of one examination should, and are not
            registered.
        acquisition: Requested acquisition of the target, or several by modality.
        dataset: Treat the scans as this training dataset, or ``mean``.
        batch: Slices or patches at once.
        jobs: Processes that prepare.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        precision: Arithmetic of the networks, as for `load_run`.
        overwrite: Whether images that anysyn made there earlier may be replaced.
        anyway: Whether to synthesize from scans that the run does not suit, too.
        beside: What is written beside the images, for example maps of the expected error (`anysyn.TrustMaps`).
        dicom: Folder for a DICOM series of each image, ``sub-01/FLAIR``, in the study and place of the scan on whose
            grid it lies; the source has to be DICOM.
        progress: True shows it, in a notebook as a line for each task; or what shows it.

    Returns:
        The images and the failures; who cannot be prepared is among these.

    Raises:
        UserError: If the run or the source cannot be used, or the output is a dataset of somebody else.
    """
    loaded = loaded_run(run, accelerator=accelerator, precision=precision).treat_as(dataset)
    trained = trained_for(loaded.recipe, sources, targets)
    check_conditioned(loaded.model, acquisition)
    root, folder, shown = Path(source), Path(out), progress_of(progress)
    failures, done = list[Failure](), list[Completion]()
    _check_places(root, folder, dicom)
    with locked(folder, "anysyn synthesize"), TemporaryDirectory(prefix="anysyn-") as converted:
        describe(folder)
        scans = of_dicom(root, Path(converted)) if is_dicom(root) else None
        found = of_people(scans.found if scans else _found(root, bids, missing), participants, sessions, root)
        study = _study(loaded, root, found, folder, trained.sources, to, headers, jobs, overwrite, shown)
        failures += study.failures
        came = {} if is_study(root) else scans_as_they_came(found.subjects)
        asked: dict[str, Any] = {"run": loaded, "root": root, "folder": folder, "trained": trained, "to": to}
        asked |= {"missing": missing, "acquisition": acquisition, "batch": batch, "overwrite": overwrite}
        asked |= {"anyway": anyway, "beside": beside, "dicom": dicom, "scans": scans, "came": came}
        for subject in shown.over("synthesizing", study.subjects):
            with listed(failures, subject.key):
                done.append(_of_person(_Asked(**asked), subject, failures))
    about = _joined(done) | {"choices": choices(Inventory(root=root, found=found)), "targets": tuple(trained.targets)}
    return Completion(failures=tuple(failures), **about)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What is asked for each person."""

    run: LoadedRun
    root: Path
    folder: Path
    trained: Trained
    to: str | None
    missing: bool
    acquisition: Acquisition | Mapping[str, Acquisition] | None
    batch: int
    overwrite: bool
    anyway: bool
    beside: Sequence[Beside]
    dicom: str | Path | None
    scans: ConvertedScans | None
    came: Mapping[str, Mapping[str, Path]]


def _of_person(asked: _Asked, subject: Subject, failures: Sequence[Failure]) -> Completion:
    """Synthesize a person's images, or those that are missing."""
    key, folder, trained = subject.key, asked.folder, asked.trained
    study, lost = asked.root if is_study(asked.root) else folder / STUDY, _lost(key, failures)
    has = (*acquired(study, key), *lost) if asked.missing else ()
    if set(trained.targets) <= set(has):
        return Completion((), (), (), whole=() if lost else (key,))
    request = scan_request(subject, trained, folder, back=asked.to, has=has, scans=asked.came.get(key, {}))
    todo = request.files if asked.overwrite else _left(asked.run, request)
    kept = tuple(path for name, path in request.files.items() if name not in todo)
    also = [*asked.beside, *_series(asked.dicom, asked.scans, request)]
    if not todo and not also:
        return Completion((), kept, ())
    made = _made_of(asked.run, request, asked.acquisition, asked.batch)
    plans = planned(also, made, overwrite=asked.overwrite)
    remarks = tuple(_answer(made, request, todo, asked.anyway))
    return Completion(tuple(todo.values()), kept, (), remarks=remarks, beside=tuple(written_beside(plans, made)))


def _joined(done: Sequence[Completion]) -> dict[str, Any]:
    names = ("written", "kept", "remarks", "beside", "whole")
    return {name: tuple(entry for part in done for entry in getattr(part, name)) for name in names}


def _check_places(root: Path, folder: Path, dicom: str | Path | None) -> None:
    if not is_study(root):
        check_apart(root, folder)
    check_own(folder)
    if dicom is not None and not is_dicom(root):
        raise UserError(f"--dicom: {root} is no DICOM, whose study a series needs; leave --dicom out")


def _study(
    run: LoadedRun,
    source: Path,
    found: FoundSubjects,
    out: Path,
    sources: Sequence[str],
    to: str | None,
    headers: bool,
    jobs: int,
    overwrite: bool,
    shown: Progress,
) -> FoundSubjects:
    """Return the people of a study; prepare them if the source is none."""
    if is_study(source) or not found.subjects:
        return found
    steps = steps_like(_training(run), to)
    edge = "" if steps.spacing is None else f", voxels of {steps.spacing:g} mm"
    shown.say(
        f"prepared as the scans of the training: brain {_word(steps.brain)}, bias field {_word(steps.bias)}{edge}"
    )
    made = prepare(
        source,
        out=out / STUDY,
        to=to,
        brain=steps.brain,
        bias=steps.bias,
        headers=headers,
        spacing=steps.spacing,
        contrasts=list(dict.fromkeys([*sources, *run.recipe.modalities])),
        found=found,
        jobs=jobs,
        overwrite=overwrite,
        progress=shown,
    )
    subjects = find_subjects(made.folder).subjects if any(one.record for one in made.outcomes) else ()
    asked = scans_as_they_came(found.subjects)
    return FoundSubjects(tuple(subject for subject in subjects if subject.key in asked), made.failures, ())


def _found(root: Path, bids: Labels | None, missing: bool) -> FoundSubjects:
    """Return the people of a folder that is no DICOM; only `complete` takes the labels of files."""
    return find_subjects(root, bids=bids, remedies=OF_DATA if missing else OF_TABLE)


def _lost(key: str, failures: Sequence[Failure]) -> list[str]:
    """Return what could not be read of a prepared person, which must not pass for missing."""
    return [case.modality for case in failures if case.modality and bids_place(case.key)[1] == key]


def _series(dicom: str | Path | None, scans: ConvertedScans | None, request: ScanRequest) -> Sequence[Beside]:
    """Return what writes the DICOM series of a person, if they are asked for."""
    if dicom is None or scans is None:
        return ()
    label = request.subject.key
    headers = next(own for key, own in scans.headers.items() if bids_place(key)[1] == label)
    return (SeriesBeside(Path(dicom) / label, headers[request.back]),)


def _word(done: bool) -> str:
    return "alone" if done else "as it is"


def _training(run: LoadedRun) -> dict[str, Any]:
    """Return how the scans of the training were prepared: as the run keeps it, or by a look at them."""
    if (run.folder.path / "study.json").is_file():
        return dict(run.folder.read("study.json"))
    root = run.recipe.data.root
    if root is None or not Path(root).exists():
        return {}
    subjects, _ = run.subjects(split="train")
    return training_study(root, subjects)


def _left(run: LoadedRun, request: ScanRequest) -> dict[str, Path]:
    return {name: path for name, path in request.files.items() if not _is_made(run, request, path)}


def _is_made(run: LoadedRun, request: ScanRequest, path: Path) -> bool:
    """Tell whether an image is there already; refuse one that was made otherwise."""
    if not path.exists():
        return False
    record = whole_record(path)
    if record is None:
        raise UserError(
            f"{path} was not made by anysyn, or was changed since; choose another output folder, or move it away"
        )
    sources = {name: source_record(request.subject.images[name]) for name in request.sources}
    weights = {"sha256": digest(run.folder.weights)}
    as_now = same(sources_of(record), sources) and record.get("Weights") == weights
    if not (as_now and same(record.get("Request"), request.record()) and record.get("DatasetAskedFor") == run.dataset):
        raise UserError(
            f"{path} was made from other scans, or asked for differently; choose another output folder, or --overwrite"
        )
    return True


def _made_of(
    run: LoadedRun,
    request: ScanRequest,
    acquisition: Acquisition | Mapping[str, Acquisition] | None,
    batch: int,
) -> Synthesized:
    """Return what there is to be of a person, with the prepared scans read."""
    files, way = {name: request.subject.images[name] for name in request.sources}, request.way
    for name, path in files.items():
        if is_synthetic(path):
            raise UserError(f"{name}: {path.name} is synthetic, and no source; leave it out")
    study = read_study(request.subject, modalities=request.sources)
    first = study.acquisitions[request.sources[0]]
    return Synthesized(
        run=run,
        study=study,
        sources=files,
        images=request.files,
        acquisitions=requested_acquisitions(acquisition, list(request.files), first, way.scan),
        onto=way.moved,
        written=way.scan,
        header=request.header,
        batch=batch,
    )


def _answer(made: Synthesized, request: ScanRequest, todo: Mapping[str, Path], anyway: bool) -> list[Failure]:
    """Synthesize and write what is to do; return the doubts about the scans."""
    if not todo:
        return []
    for path in todo.values():
        check_replaceable(path, made.sources.values())
    run, study, way = made.run, made.study, request.way
    verdict = verdict_on(run, study, request.sources, anyway=anyway)
    first = request.sources[0]
    skull = skull_stripped(study, first, made.sources[first])
    for name, image in _images(replace(made, images=todo), request).items():
        record = provenance(run, made.sources, made.acquisitions[name]) | image.record()
        record |= assumptions_record(study, request.sources) | {"Grid": grid_record(way.scan, study.grid)}
        record |= {"Request": request.record(), "Preparation": dict(request.records)} | verdict_record(verdict) | skull
        write_synthetic(Volume(image.voxels, way.scan.affine, request.header), todo[name], record)
    return list(doubts(request.subject.key, verdict_record(verdict)))


def _images(made: Synthesized, request: ScanRequest) -> dict[str, PhysicalImage]:
    """Synthesize on the grid of the scan, or sample there what was synthesized on that of the study."""
    run, study, onto = made.run, made.study, request.way.moved
    asked = (list(request.sources), list(made.images), made.batch)
    try:
        Raster.between(study.grid, onto)
    except VolumeError:  # the scan was turned when it was registered
        images = synthesize_physical(run, study, *asked, acquisitions=made.acquisitions)
        return {
            name: replace(image, voxels=request.way.back(image.voxels, air=study.air(name)))
            for name, image in images.items()
        }
    return synthesize_physical(run, study, *asked, onto=onto, acquisitions=made.acquisitions)
