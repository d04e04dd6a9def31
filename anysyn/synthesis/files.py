"""Synthesis from files to files, with a sidecar that records the provenance."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.bounds import Count, within_bounds
from anysyn.data.errors import VolumeError
from anysyn.data.geometry.grid import Grid, check_grid, with_spacing
from anysyn.data.modalities import modality
from anysyn.data.units.stated import stated_units
from anysyn.data.volumes.formats import SUFFIXES, check_written, is_volume, suffix_like
from anysyn.data.volumes.study import Study, study_of
from anysyn.data.volumes.volume import Volume, read_volume
from anysyn.errors import UserError
from anysyn.packaged.hub import hub_record
from anysyn.recipe.sections import Precision
from anysyn.suitability import Verdict
from anysyn.synthesis.beside import Beside, Synthesized, planned, written_beside
from anysyn.synthesis.given_run import GivenRun, loaded_run
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.physical_range import PhysicalImage, bounds_of, check_finite, outside_of, physical
from anysyn.synthesis.requests.acquisition import check_conditioned, requested_acquisitions, source_acquisitions
from anysyn.synthesis.requests.sources import source_files
from anysyn.synthesis.suited import saw_truth, verdict_on, verdict_record
from anysyn.synthesis.written_images import MADE, SOURCES, check_replaceable, digest, source_record, write_synthetic
from anysyn.text.several import several
from anysyn.versions import versions

ANOTHER_FORMAT = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}$")  # the ending of a file; a folder may be called run_v1.2


@within_bounds
def synthesize(
    run: GivenRun,
    *,
    sources: Mapping[str, str | Path],
    targets: str | Sequence[str],
    out: str | Path,
    resample_to: str | None = None,
    spacing: Sequence[float] | None = None,
    acquisition: Acquisition | Mapping[str, Acquisition] | None = None,
    dataset: str | None = None,
    batch: Count = 8,
    accelerator: str = "auto",
    precision: Precision | None = None,
    overwrite: bool = False,
    anyway: bool = False,
    beside: Sequence[Beside] = (),
    known: Mapping[str, Acquisition] | None = None,
) -> list[Path]:
    """Synthesize images from files and write each with a sidecar.

    The output has exactly the grid of the sources, or of `resample_to`: shape, affine, header codes, obliquity. With
    `spacing` it has voxels of that size over the same field of view, in the same world coordinates.

    Args:
        run: A run folder, or a run that is loaded already, by `anysyn.load` or `load_run`.
        sources: Files by modality: NIfTI, MetaImage, NRRD or MGH.
        targets: Modality to synthesize, or several.
        out: A file in any of these formats, by its ending; or for several targets a folder of files named by modality,
            in the format of the first source.
        resample_to: Source whose grid the others are resampled to if they differ.
        spacing: Voxel edge lengths of the output in mm, along the axes of the file; those of the source by default.
        acquisition: Requested acquisition of the target, or several by modality; age, sex and scanner are those of the
            first source unless given (`requested_acquisitions`). The acquisitions of the sources are read from the JSON
            files beside them.
        dataset: Treat the sources as this training dataset, or ``mean``; a network that is conditioned on the dataset
            needs it.
        batch: Slices or patches at once.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        precision: Arithmetic of the networks, as for `load_run`.
        overwrite: Whether images that anysyn made there earlier may be replaced; no other file ever is.
        anyway: Whether to synthesize from sources that the run does not suit, too.
        beside: What is written beside the images, for example maps of the expected error (`anysyn.TrustMaps`).
        known: Acquisitions of sources that no JSON beside them has to say, by modality.

    Returns:
        The files written: first the images, in the order of the targets, then what is beside them.

    Raises:
        UserError: If a source cannot be used, a modality is unknown, a file may not be replaced, the network ignores
            the requested acquisition or it contradicts the grid, the network does not know the dataset, or the run does
            not suit a source.
    """
    loaded = loaded_run(run, accelerator=accelerator, precision=precision).treat_as(dataset)
    files = source_files(sources)
    suffix = suffix_like(next(iter(files.values())))
    paths = _outputs(
        Path(out), [modality(name, choices=loaded.recipe.modalities).name for name in several(targets)], suffix
    )
    for name in paths:
        if name in files:
            loaded.progress.warn(saw_truth(name))
    for path in paths.values():
        if path.exists() and not overwrite:
            raise UserError(f"{path} exists; allow replacing it with --overwrite, or choose another --out")
        check_replaceable(path, files.values())
    asked = read_request(loaded, files, list(paths), resample_to, spacing, acquisition, known)
    request = request_record(files, resample_to, spacing)
    made = Synthesized(
        run=loaded,
        study=asked.study,
        sources=files,
        images=paths,
        acquisitions=asked.acquisitions,
        onto=asked.onto,
        batch=batch,
    )
    plans = planned(beside, made, overwrite=overwrite)
    write_syntheses(made, request, anyway=anyway)
    return [*paths.values(), *written_beside(plans, made)]


class Asked(NamedTuple):
    """What a synthesis from files is asked for: the sources as a study, and acquisitions and grid of the targets."""

    study: Study
    acquisitions: dict[str, Acquisition]
    onto: Grid | None


def read_request(
    run: LoadedRun,
    files: Mapping[str, Path],
    targets: Sequence[str],
    resample_to: str | None = None,
    spacing: Sequence[float] | None = None,
    acquisition: Acquisition | Mapping[str, Acquisition] | None = None,
    known: Mapping[str, Acquisition] | None = None,
) -> Asked:
    """Read the sources of a synthesis, and complete the acquisitions that are asked for; arguments as in `synthesize`.

    Raises:
        UserError: If a source cannot be used, or the network ignores the acquisition.
    """
    check_conditioned(run.model, acquisition)
    volumes = {name: read_volume(path) for name, path in files.items()}
    units = stated_units(files)
    study = study_of(volumes, key=next(iter(files.values())).name, resample_to=resample_to, files=files, units=units)
    onto = None if spacing is None else output_grid(study.grid, spacing)
    person = acquisition if isinstance(acquisition, Acquisition) else None
    study = replace(study, acquisitions=source_acquisitions(files, person, known))
    first = study.acquisitions[next(iter(files))]
    return Asked(study, requested_acquisitions(acquisition, targets, first, onto or study.grid), onto)


def write_syntheses(
    made: Synthesized, request: Mapping[str, Any], *, anyway: bool = False, entries: Mapping[str, Any] | None = None
) -> Verdict:
    """Synthesize targets of an unprepared study and write each with its sidecar; return whether the run suits it.

    Args:
        made: The study, and the files to write.
        request: That of `request_record`.
        anyway: As in `synthesize`.
        entries: Further ones of the sidecars.
    """
    run, study, requested = made.run, made.study, made.acquisitions
    verdict = verdict_on(run, study, list(made.sources), anyway=anyway)
    grid, asked = made.onto or study.grid, (list(made.sources), list(made.images), made.batch)
    images = synthesize_physical(run, study, *asked, onto=made.onto, acquisitions=requested)
    for name, image in images.items():
        record = provenance(run, made.sources, requested[name]) | {"Grid": grid_record(grid, study.grid)}
        record |= image.record() | assumptions_record(study, made.sources)
        record |= {"Request": dict(request)} | verdict_record(verdict)
        record |= entries or {}
        write_synthetic(Volume(image.voxels, grid.affine, study.header), made.images[name], record)
    return verdict


@within_bounds
def synthesize_study(
    run: LoadedRun,
    study: Study,
    sources: Sequence[str],
    targets: Sequence[str],
    batch: Count = 8,
    *,
    onto: Grid | None = None,
    acquisitions: Mapping[str, Acquisition] | None = None,
) -> dict[str, Tensor]:
    """Synthesize targets of an unprepared study, on its own grid or another and in the unit of the files.

    An MRI has no absolute unit: it gets the typical intensities of its modality among the training subjects, if
    possible those of the dataset that the study is treated as.

    Args:
        run: A loaded run.
        study: Images as they were read.
        sources: Modalities shown to the network.
        targets: Modalities to synthesize.
        batch: Slices or patches at once.
        onto: Grid of the output; that of the study by default.
        acquisitions: Requested acquisitions, by modality.

    Returns:
        (X, Y, Z) by modality.
    """
    prepared, undo = run.pipeline(study if run.dataset is None else replace(study, dataset=run.dataset))
    images = run.predict(prepared, sources, targets, batch, onto=onto, acquisitions=acquisitions)
    if onto is None:
        return dict(undo(replace(prepared, images=images)).images)
    everywhere = torch.ones(onto.shape, dtype=torch.bool)
    output = replace(prepared, images=images, affine=onto.affine, foreground=everywhere)
    return dict(undo.intensities(output).images)


def synthesize_physical(
    run: LoadedRun,
    study: Study,
    sources: Sequence[str],
    targets: Sequence[str],
    batch: int = 8,
    *,
    onto: Grid | None = None,
    acquisitions: Mapping[str, Acquisition] | None = None,
) -> dict[str, PhysicalImage]:
    """Synthesize targets as `synthesize_study` does, each within the physical range of its modality.

    Where all sources are air, the answer is air to the bit: 0 in MRI and PET, -1000 HU in CT.

    Raises:
        UserError: If an answer is not finite.
    """
    images = synthesize_study(run, study, sources, targets, batch, onto=onto, acquisitions=acquisitions)
    for name, image in images.items():
        check_finite(image, f"{study.key}: {name}")
    shown = replace(study, images={name: study.images[name] for name in sources})
    outside = outside_of(shown, onto)
    return {
        name: physical(image, bounds=bounds_of(name, shown, run.pipeline), outside=outside, air=study.air(name))
        for name, image in images.items()
    }


def assumptions_record(study: Study, sources: Iterable[str]) -> dict[str, Any]:
    """Return the entry of a sidecar about the units of the sources that were concluded from their intensities."""
    assumed = {name: study.assumed[name] for name in sources if name in study.assumed}
    return {"AssumedUnits": assumed} if assumed else {}


def output_grid(here: Grid, spacing: Sequence[float]) -> Grid:
    """Return the grid of an output that covers the field of view of a source.

    Args:
        here: Grid of the source.
        spacing: Voxel edge lengths in mm, in the order of its axes.

    Raises:
        UserError: If these are not three lengths, or the output would have too many voxels.

    Example:
        >>> import numpy as np
        >>> output_grid(Grid((10, 10, 3), np.diag([1.0, 1, 5, 1])), (0.5, 2, 1)).shape
        (20, 5, 15)
    """
    if len(spacing) != 3 or not all(0 < edge < math.inf for edge in spacing):
        words = ",".join(f"{edge:g}" for edge in spacing)
        raise UserError(
            f"--target-spacing {words} (spacing=): write three lengths in mm above 0, for example 0.8,0.8,1.2"
        )
    x, y, z = spacing
    option = f"--target-spacing {x:g},{y:g},{z:g} (spacing=)"
    try:
        onto = with_spacing(here, (x, y, z))
    except VolumeError as error:
        raise UserError(f"{option}: {error}") from error
    check_grid(onto, option, images=4)
    return onto


def grid_record(grid: Grid, source: Grid) -> dict[str, Any]:
    """Return the entry of a sidecar about the grids of an image and of its source."""
    return {
        "Shape": list(grid.shape),
        "VoxelSizeMm": list(grid.voxel_size),
        "SourceShape": list(source.shape),
        "SourceVoxelSizeMm": list(source.voxel_size),
    }


def request_record(
    sources: Iterable[str], resample_to: str | None, spacing: Sequence[float] | None = None
) -> dict[str, Any]:
    """Return the entry of a sidecar about what an image follows from besides files and acquisition.

    Args:
        sources: Modalities of the sources, that of the grid first.
        resample_to: Source whose grid the others are resampled to.
        spacing: Voxel edge lengths that were asked for, in mm.

    Example:
        >>> request_record(["T1w", "FLAIR"], None)
        {'Sources': ['T1w', 'FLAIR'], 'ResampleTo': None, 'VoxelSizeMm': None}
    """
    edges = None if spacing is None else [float(edge) for edge in spacing]
    return {"Sources": list(sources), "ResampleTo": resample_to, "VoxelSizeMm": edges}


def provenance(run: LoadedRun, sources: Mapping[str, Path], requested: Acquisition) -> dict[str, Any]:
    """Return the BIDS sidecar of a synthetic image, whose modality is that of the requested acquisition."""
    target = str(requested.modality)
    return {
        "Synthetic": True,
        "Description": f"{MADE}, recipe {run.recipe.name}.",
        "Units": modality(target).unit,
        SOURCES: {name: source_record(path) for name, path in sources.items()},
        "Target": target,
        "AcquisitionAskedFor": requested.known(),
        **({} if run.dataset is None else {"DatasetAskedFor": run.dataset}),
        "Recipe": {"name": run.recipe.name, "sha256": digest(run.folder.recipe)},
        "Weights": {"sha256": digest(run.folder.weights)},
        **({} if (hub := hub_record(run.folder.path)) is None else {"Hub": hub}),
        "Seed": run.recipe.seed,
        "Precision": run.hardware.precision,
        "Versions": versions(),
    }


def _outputs(out: Path, targets: Sequence[str], suffix: str) -> dict[str, Path]:
    one_file = is_volume(out)
    if one_file:
        check_written(out)
    elif not out.is_dir() and ANOTHER_FORMAT.search(out.name):
        raise UserError(
            f"--out {out}: images are written as {', '.join(SUFFIXES)}; name such a file, or a folder without ending"
        )
    if one_file and len(targets) > 1:
        raise UserError(f"--out {out}: {len(targets)} targets need a folder, not one file")
    if len(set(targets)) < len(targets):
        raise UserError(f"--target: {', '.join(targets)} ask for one modality twice")
    return {name: out if one_file else out / f"{name}{suffix}" for name in targets}
