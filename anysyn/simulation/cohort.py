"""A simulated cohort as a BIDS dataset, and any further image of one of its subjects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from anysyn.acquisition import Acquisition
from anysyn.bounds import Count, Positive, Seed, within_bounds
from anysyn.data.modalities import modality
from anysyn.data.subjects.layouts.bids import bids_name
from anysyn.data.volumes.formats import SUFFIXES, check_written, sidecar_path, volumes_in
from anysyn.data.volumes.volume import Volume, write_volume
from anysyn.errors import UserError
from anysyn.files import check_name, replacing, replacing_pair, whole_folder, write_json, write_text
from anysyn.files.whole_folder import INSIDE
from anysyn.progress import Progress, progress_of
from anysyn.registry import suggest
from anysyn.simulation.acquire import acquire
from anysyn.simulation.anatomy.anatomy import Head
from anysyn.simulation.anatomy.labels import read_labels
from anysyn.simulation.anatomy.warp import Map
from anysyn.simulation.centres import ScanProtocol, centre, chosen_centres
from anysyn.simulation.participants import people
from anysyn.simulation.physics.tissues import tissue_names
from anysyn.simulation.sidecar import NOTICE, sidecar_of
from anysyn.simulation.simulated_subject import SimulatedSubject, head_of, key_of, noise_of, protocols_of
from anysyn.simulation.subject_record import COARSEST, FINEST, read_subject
from anysyn.simulation.truth import MASKS, TRUTH, known_subjects
from anysyn.text.several import several

README = """# A simulated cohort

Made by `anysyn simulate`; no scan of a person is in it. The images follow from tissue maps and signal equations, so any
other acquisition of the same subjects can be asked for with `anysyn simulate --like`. Not for clinical use.

`derivatives/masks` holds brain and lesion masks and a map of the tissues (`_dseg`, numbers in `dseg.tsv`),
`derivatives/truth` what each subject follows from: numbers, and the label map if it was made from one. BIDS has no
place for ADC maps and CT among the raw data: they lie in `dwi/` and `ct/` and are listed in `.bidsignore`.
"""
SUBJECT = "sub-[0-9][0-9][0-9]*"
FILES = (  # all that is written, as globs of the manifest
    *("dataset_description.json", "README", ".bidsignore", "participants.tsv", "participants.json"),
    *(f"{SUBJECT}/*/{SUBJECT}{ending}" for ending in (".nii.gz", ".json", ".bval", ".bvec")),
    *(f"derivatives/{part}/dataset_description.json" for part in ("masks", "truth")),
    *("derivatives/masks/dseg.tsv", f"derivatives/masks/{SUBJECT}/anat/{SUBJECT}.nii.gz"),
    *(f"derivatives/truth/{SUBJECT}.json", "derivatives/truth/labels/*.nii*"),
)


@within_bounds
def simulate(
    out: str | Path,
    *,
    subjects: Count = 24,
    centres: Count | Sequence[str] = 4,
    spacing: Positive = 2.0,
    seed: Seed = 0,
    labels: str | Path | None = None,
    contrasts: str | Sequence[str] | None = None,
    vary: bool = False,
    brain_alone: bool = False,
    thickness: Positive | None = None,
    vary_tissues: bool = False,
    jobs: Count = 1,
    progress: Progress | bool | None = None,
) -> Path:
    """Simulate a cohort with known truth, as a BIDS dataset.

    Args:
        out: Folder to make; it appears once the cohort is complete.
        subjects: Number of subjects; they are given to the centres in turn.
        centres: Number of centres, from the first of centres.yaml on, or their letters.
        spacing: Voxel size in mm.
        seed: The same seed gives the same bytes, whatever the number of jobs.
        labels: Folder of label maps with FreeSurfer numbers, for whole heads; subjects take them in turn.
        contrasts: Modalities for every subject instead of the coverage of its centre.
        vary: Whether TR, TE, TI and flip angle of every subject are drawn from the broad ranges of protocol_ranges.yaml
            instead of the centre's protocol with a jitter of 3 %. Anatomy, sequence and field are the same either way.
        brain_alone: Whether images of label maps show the brain alone, as after brain extraction; without label maps
            they always do.
        thickness: Of the slices in mm, instead of the centres'; thinner than a voxel means a voxel.
        vary_tissues: Whether T2 of each subject's grey and white matter is drawn between the reports in tissues.yaml.
        jobs: Processes.
        progress: True shows it, in a notebook as a line for each task; or what shows it.

    Returns:
        The folder.

    Raises:
        UserError: If the folder holds something, a number is out of range, a contrast cannot be simulated, or a label
            map holds numbers that labels.yaml does not list.
    """
    folder = Path(out)
    names = chosen_centres(centres)
    choices = {"vary": vary, "brain_alone": brain_alone, "thickness": thickness, "vary_tissues": vary_tissues}
    cohort = _subjects(subjects, names, spacing, seed, labels, choices)
    wanted = None if contrasts is None else tuple(modality(name).name for name in several(contrasts))
    for subject in cohort[: len(names)]:
        protocols_of(subject, wanted)  # a contrast that no centre makes is an error before anything is written
    if folder.exists() and (not folder.is_dir() or any(path.name != INSIDE for path in folder.iterdir())):
        raise UserError(f"{folder} is not empty; choose another folder, or delete it first")
    with whole_folder(folder, FILES, made_by="anysyn simulate") as partial:  # a half of a cohort looks like a cohort
        cohort = _with_own_labels(cohort, partial)
        _describe(partial, cohort, wanted)
        steps = _written(cohort, partial, wanted, jobs)
        title = f"simulating {'centre' if len(names) == 1 else 'centres'} {', '.join(names)}"
        for _ in progress_of(progress).over(title, range(len(cohort))):
            next(steps)
    return folder


def simulate_like(
    cohort: str | Path, subject: str, acquisition: Acquisition, *, out: str | Path | None = None, truth: bool = False
) -> Volume:
    """Simulate any acquisition of a subject of a cohort: the ground truth of what a network synthesizes.

    Fields that the acquisition leaves open are those of the subject's own protocol.

    Args:
        cohort: A folder that `simulate` made.
        subject: Its key, for example ``"sub-001"``.
        acquisition: The acquisition; its modality is needed.
        out: NIfTI file to write, with a sidecar.
        truth: Whether to leave out noise, shading and gain.

    Raises:
        UserError: If the cohort or the subject is not there, or the acquisition cannot be simulated.
    """
    simulated = _subject_of(Path(cohort), subject)
    if acquisition.modality is None:
        raise UserError("an acquisition to simulate needs a modality")
    name = modality(acquisition.modality).name
    own = protocols_of(simulated, [name])[name]
    requested = replace(own, acquisition=replace(own.acquisition, **{**acquisition.known(), "modality": name}))
    path = None if out is None else Path(out)
    if path is not None and sidecar_path(path).exists():  # it would be taken for that of the new image
        raise UserError(f"{sidecar_path(path)} is there already; choose another name for the image, or delete it")
    volume = _image(simulated, requested, truth=truth)
    if path is not None:
        _write_image(volume, path, requested.acquisition)
    return volume


def _write_image(volume: Volume, path: Path, acquisition: Acquisition) -> None:
    if path.exists():
        raise UserError(f"{path} is there already; choose another name for the image, or delete it")
    check_written(path)
    with replacing_pair(path, sidecar_path(path)) as folder:
        write_volume(volume, folder / path.name, description=NOTICE, overwrite=True)
        write_json(folder / sidecar_path(path).name, sidecar_of(acquisition))


def _subjects(
    subjects: int,
    names: Sequence[str],
    spacing: float,
    seed: int,
    labels: str | Path | None,
    choices: Mapping[str, Any],
) -> list[SimulatedSubject]:
    if subjects < 1 or not FINEST <= spacing <= COARSEST or seed < 0:
        raise UserError(
            f"{subjects} subjects, spacing {spacing:g} mm, seed {seed}: at least 1, 0.5 to 8 mm, at least 0"
        )
    if choices["brain_alone"] and labels is None:
        raise UserError("--brain-alone: without label maps the brain is alone already; leave it out, or give --labels")
    maps = [None] if labels is None else [str(path) for path in volumes_in(Path(labels))]
    if not maps:
        raise UserError(f"{labels}: no label map ({', '.join(SUFFIXES)}) is there")
    for path in maps[:subjects]:
        if path is not None:
            read_labels(Path(path))  # what cannot be used is an error before anything is written
    return [
        SimulatedSubject(seed, i, names[i % len(names)], spacing, maps[i % len(maps)], **choices)
        for i in range(subjects)
    ]


def _with_own_labels(cohort: list[SimulatedSubject], folder: Path) -> list[SimulatedSubject]:
    """Copy the label maps into the cohort, so that any acquisition can be simulated after it was moved."""
    own = folder / TRUTH / "labels"
    for source in sorted({subject.labels for subject in cohort if subject.labels is not None}):
        with replacing(own / Path(source).name) as file:
            file.write(Path(source).read_bytes())
    return [s if s.labels is None else replace(s, labels=str(own / Path(s.labels).name)) for s in cohort]


def _written(
    cohort: list[SimulatedSubject], folder: Path, contrasts: tuple[str, ...] | None, jobs: int
) -> Iterator[None]:
    work = [(subject, folder, contrasts) for subject in cohort]
    if jobs == 1:
        yield from map(_write_subject, *zip(*work, strict=True))
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_write_subject, *zip(*work, strict=True))


def _write_subject(subject: SimulatedSubject, folder: Path, contrasts: tuple[str, ...] | None) -> None:
    key, head = key_of(subject.number), head_of(subject)
    for name, protocol in protocols_of(subject, contrasts).items():
        path = folder / key / bids_name(key, name)
        write_volume(_image(subject, protocol), path, description=NOTICE)
        write_json(sidecar_path(path), sidecar_of(protocol.acquisition))
        if name == "DWI":
            write_text(path.with_name(path.name.replace(".nii.gz", ".bval")), f"{protocol.acquisition.b_value:g}\n")
            write_text(path.with_name(path.name.replace(".nii.gz", ".bvec")), "0\n0\n0\n")  # the trace has no direction
    lesions = {f"label-{name}_mask": mask > 0.5 for name, mask in head.anatomy.masks.items()}
    for name, voxels in {"label-brain_mask": head.anatomy.brain, **lesions, "dseg": _segmentation(head)}.items():
        volume = Volume(torch.from_numpy(voxels), head.anatomy.affine)
        write_volume(volume, folder / MASKS / key / "anat" / f"{key}_{name}.nii.gz", description=NOTICE)
    labels = None if subject.labels is None else f"labels/{Path(subject.labels).name}"
    write_json(folder / TRUTH / f"{key}.json", subject.to_json() | {"labels": labels})


def _image(subject: SimulatedSubject, protocol: ScanProtocol, *, truth: bool = False) -> Volume:
    head, here = head_of(subject), centre(subject.centre)
    draw = None if truth else noise_of(subject, protocol.acquisition)
    image = acquire(head, protocol, scale=here.scale, generator=draw)
    return Volume(torch.from_numpy(np.ascontiguousarray(image)), head.anatomy.affine)


def _segmentation(head: Head) -> Map:
    """Return in each voxel the number in dseg.tsv of its largest tissue, 0 where air is larger than all of them."""
    parts = [head.anatomy.fractions.get(name) for name in tissue_names()]
    air = 1 - np.asarray(sum(part for part in parts if part is not None))
    none = np.full_like(air, -1)
    return np.asarray(np.stack([air, *(none if part is None else part for part in parts)]).argmax(0).astype(np.float32))


def _describe(folder: Path, cohort: Sequence[SimulatedSubject], contrasts: tuple[str, ...] | None) -> None:
    about = {
        "Name": "Simulated cohort",
        "BIDSVersion": "1.9.0",
        "DatasetType": "raw",
        "License": "CC0",
        "GeneratedBy": [{"Name": "anysyn simulate", "Description": NOTICE}],
    }
    write_json(folder / "dataset_description.json", about)
    for part in ("masks", "truth"):
        derived = {**about, "Name": f"Simulated cohort: {part}", "DatasetType": "derivative"}
        write_json(folder / "derivatives" / part / "dataset_description.json", derived)
    write_text(folder / "README", README)
    write_text(folder / ".bidsignore", "**/*_ADC.*\n**/ct\nmanifest.json\n")
    numbers = "".join(f"{number}\t{name}\n" for number, name in enumerate(("air", *tissue_names())))
    write_text(folder / MASKS / "dseg.tsv", "index\tname\n" + numbers)
    rows, columns = people(cohort, contrasts)
    write_text(folder / "participants.tsv", "".join("\t".join(map(str, row)) + "\n" for row in rows))
    write_json(folder / "participants.json", columns)


def _subject_of(cohort: Path, key: str) -> SimulatedSubject:
    truth, known = cohort / TRUTH, known_subjects(cohort)
    if key not in known:
        raise UserError(f"{cohort} has no subject {key!r}; {suggest(key, known)}")
    subject = read_subject(truth / f"{key}.json")
    if subject.labels is None:
        return subject
    name = check_name(subject.labels.removeprefix("labels/"), f"{truth / key}.json: labels")
    return replace(subject, labels=str(truth / "labels" / name))
