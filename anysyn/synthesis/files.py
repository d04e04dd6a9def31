"""Synthesis from files to files, with a sidecar that records the provenance."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.bounds import Count, within_bounds
from anysyn.data.geometry.grid import Grid, with_spacing
from anysyn.data.modalities import modality
from anysyn.data.volumes.formats import sidecar_path
from anysyn.data.volumes.study import Study, study_of
from anysyn.data.volumes.volume import Volume, read_volume, write_volume
from anysyn.errors import UserError
from anysyn.files import write_json
from anysyn.synthesis.acquisition_request import check_conditioned, requested_acquisitions, source_acquisitions
from anysyn.synthesis.loaded_run import LoadedRun, load_run
from anysyn.versions import versions

NOTICE = "synthetic, not for clinical use"
MOST_VOXELS = 2**30  # 4 GiB for one image


@within_bounds
def synthesize(
    run: str | Path | LoadedRun,
    *,
    sources: Mapping[str, str | Path],
    targets: Sequence[str],
    out: str | Path,
    resample_to: str | None = None,
    spacing: Sequence[float] | None = None,
    acquisition: Acquisition | Mapping[str, Acquisition] | None = None,
    dataset: str | None = None,
    batch: Count = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
) -> list[Path]:
    """Synthesize images from files and write each with a sidecar.

    The output has exactly the grid of the sources, or of `resample_to`: shape, affine, header codes, obliquity. With
    `spacing` it has voxels of that size over the same field of view, in the same world coordinates.

    Args:
        run: A run folder, or a run that is loaded already.
        sources: NIfTI files by modality.
        targets: Modalities to synthesize.
        out: A NIfTI file, or for several targets a folder of files named by modality.
        resample_to: Source whose grid the others are resampled to if they differ.
        spacing: Voxel edge lengths of the output in mm, along the axes of the file; those of the source by default.
        acquisition: Requested acquisition of the target, or several by modality; age, sex and scanner are those of the
            first source unless given (`requested_acquisitions`). The acquisitions of the sources are read from the JSON
            files beside them.
        dataset: Treat the sources as this training dataset, or ``mean``; a network that is conditioned on the dataset
            needs it.
        batch: Slices or patches at once.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        overwrite: Whether files that exist may be replaced.

    Returns:
        The NIfTI files written.

    Raises:
        UserError: If a source cannot be used, a modality is unknown, a file exists, the network ignores the requested
            acquisition or it contradicts the grid, or the network does not know the dataset.
    """
    loaded = (run if isinstance(run, LoadedRun) else load_run(run, accelerator=accelerator)).treat_as(dataset)
    files = {modality(name).name: Path(path) for name, path in sources.items()}
    if len(files) < len(sources):
        raise UserError(f"--source: {', '.join(sources)} name one modality twice")
    paths = _outputs(Path(out), [modality(name).name for name in targets])
    for path in paths.values():
        if path.exists() and not overwrite:
            raise UserError(f"{path} exists; allow replacing it with --overwrite, or choose another --out")
    check_conditioned(loaded.model, acquisition)
    volumes = {name: read_volume(path) for name, path in files.items()}
    study = study_of(volumes, key=next(iter(files.values())).name, resample_to=resample_to, files=files)
    onto = None if spacing is None else output_grid(study.grid, spacing)
    person = acquisition if isinstance(acquisition, Acquisition) else None
    study = replace(study, acquisitions=source_acquisitions(files, person))
    first = study.acquisitions[next(iter(files))]
    requested = requested_acquisitions(acquisition, list(paths), first, onto or study.grid)
    write_syntheses(loaded, study, files, paths, requested, onto=onto, batch=batch, overwrite=overwrite)
    return list(paths.values())


def write_syntheses(
    run: LoadedRun,
    study: Study,
    sources: Mapping[str, Path],
    paths: Mapping[str, Path],
    requested: Mapping[str, Acquisition],
    *,
    onto: Grid | None = None,
    batch: int = 8,
    overwrite: bool = False,
) -> None:
    """Synthesize targets of an unprepared study and write each with its sidecar, the sidecar first.

    Sources and paths are the files of the sources and of the targets; the other arguments are those of `synthesize` and
    `synthesize_study`.
    """
    grid = onto or study.grid
    images = synthesize_study(run, study, list(sources), list(paths), batch, onto=onto, acquisitions=requested)
    for name, image in images.items():
        record = provenance(run, sources, requested[name]) | {"Grid": grid_record(grid, study.grid)}
        write_json(sidecar_path(paths[name]), record)
        volume = Volume(image, grid.affine, study.header)
        write_volume(volume, paths[name], description=f"anysyn: {NOTICE}", overwrite=overwrite)


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
        raise UserError(f"--target-spacing {words}: write three lengths in mm above 0, for example 0.8,0.8,1.2")
    x, y, z = spacing
    onto = with_spacing(here, (x, y, z))
    if math.prod(onto.shape) > MOST_VOXELS:
        raise UserError(f"--target-spacing {x:g},{y:g},{z:g}: that makes {onto}; choose larger voxels")
    return onto


def grid_record(grid: Grid, source: Grid) -> dict[str, Any]:
    """Return the entry of a sidecar about the grids of an image and of its source."""
    return {
        "Shape": list(grid.shape),
        "VoxelSizeMm": list(grid.voxel_size),
        "SourceShape": list(source.shape),
        "SourceVoxelSizeMm": list(source.voxel_size),
    }


def provenance(run: LoadedRun, sources: Mapping[str, Path], requested: Acquisition) -> dict[str, Any]:
    """Return the BIDS sidecar of a synthetic image, whose modality is that of the requested acquisition."""
    target = str(requested.modality)
    return {
        "Synthetic": True,
        "Description": f"Synthetic image, not for clinical use. Made by anysyn, recipe {run.recipe.name}.",
        "Units": modality(target).unit,
        "Sources": {name: {"file": path.name, "sha256": digest(path)} for name, path in sources.items()},
        "Target": target,
        "AcquisitionAskedFor": requested.known(),
        **({} if run.dataset is None else {"DatasetAskedFor": run.dataset}),
        "Recipe": {"name": run.recipe.name, "sha256": digest(run.folder.recipe)},
        "Weights": {"sha256": digest(run.folder.weights)},
        "Seed": run.recipe.seed,
        "Versions": versions(),
    }


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _outputs(out: Path, targets: Sequence[str]) -> dict[str, Path]:
    one_file = out.name.endswith((".nii", ".nii.gz"))
    if one_file and len(targets) > 1:
        raise UserError(f"--out {out}: {len(targets)} targets need a folder, not one file")
    if len(set(targets)) < len(targets):
        raise UserError(f"--target: {', '.join(targets)} ask for one modality twice")
    return {name: out if one_file else out / f"{name}.nii.gz" for name in targets}
