"""Synthesis from files to files, with a sidecar that says where the images come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.data.modalities import modality
from anysyn.data.study import Study, study_of
from anysyn.data.volume import Volume, read_volume, write_volume
from anysyn.registry import UserError
from anysyn.synthesis.run import LoadedRun, load_run
from anysyn.training.folder import versions, write_json

NOTICE = "synthetic, not for clinical use"


def synthesize(
    run: str | Path | LoadedRun,
    *,
    sources: Mapping[str, str | Path],
    targets: Sequence[str],
    out: str | Path,
    resample_to: str | None = None,
    batch: int = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
) -> list[Path]:
    """Synthesize images from files and write them beside a sidecar each.

    The output lies on the grid of the sources, or of `resample_to`, exactly: shape, affine, header codes, obliquity.

    Args:
        run: A run folder, or a run that is loaded already.
        sources: NIfTI files by modality.
        targets: Modalities asked for.
        out: A NIfTI file, or with several targets a folder that gets one named for each.
        resample_to: Source whose grid the others are resampled to, where they differ.
        batch: Slices or patches at once.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        overwrite: Whether files that exist may be replaced.

    Returns:
        The NIfTI files written.

    Raises:
        UserError: If a source cannot be used, a modality is unknown, or a file exists.
    """
    loaded = run if isinstance(run, LoadedRun) else load_run(run, accelerator=accelerator)
    files = {modality(name).name: Path(path) for name, path in sources.items()}
    if len(files) < len(sources):
        raise UserError(f"--source: {', '.join(sources)} name one modality twice")
    paths = _outputs(Path(out), [modality(name).name for name in targets])
    for path in paths.values():
        if path.exists() and not overwrite:
            raise UserError(f"{path} exists; allow replacing it with --overwrite, or choose another --out")
    volumes = {name: read_volume(path) for name, path in files.items()}
    study = study_of(volumes, key=next(iter(files.values())).name, resample_to=resample_to, files=files)
    for name, image in restored(loaded, study, list(files), list(paths), batch).items():
        volume = Volume(image, study.affine, study.header)
        write_volume(volume, paths[name], description=f"anysyn: {NOTICE}", overwrite=overwrite)
        write_json(sidecar(paths[name]), provenance(loaded, files, name))
    return list(paths.values())


def restored(
    run: LoadedRun, study: Study, sources: Sequence[str], targets: Sequence[str], batch: int = 8
) -> dict[str, Tensor]:
    """Synthesize targets of an unprepared study, on its own grid and in the unit of the files.

    An MRI has no absolute unit: it gets the typical intensities of its modality among the training subjects.

    Args:
        run: A loaded run.
        study: Images as they were read.
        sources: Modalities shown.
        targets: Modalities asked for.
        batch: Slices or patches at once.

    Returns:
        (X, Y, Z) by modality.
    """
    prepared, undo = run.pipeline(study)
    answer = undo(replace(prepared, images=run.predict(prepared, sources, targets, batch)))
    return dict(answer.images)


def provenance(run: LoadedRun, sources: Mapping[str, Path], target: str) -> dict[str, Any]:
    """Say where a synthetic image comes from, as a BIDS sidecar.

    Args:
        run: What made it.
        sources: From which files, by modality.
        target: What was asked for.
    """
    return {
        "Synthetic": True,
        "Description": f"Synthetic image, not for clinical use. Made by anysyn, recipe {run.recipe.name}.",
        "Units": modality(target).unit,
        "Sources": {name: {"file": path.name, "sha256": digest(path)} for name, path in sources.items()},
        "Target": target,
        "AcquisitionAskedFor": Acquisition(modality=target).known(),
        "Recipe": {"name": run.recipe.name, "sha256": digest(run.folder.recipe)},
        "Weights": {"sha256": digest(run.folder.weights)},
        "Seed": run.recipe.seed,
        "Versions": versions(),
    }


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sidecar(path: Path) -> Path:
    """Return the JSON beside a NIfTI.

    Example:
        >>> sidecar(Path("out/t2.nii.gz")).as_posix()
        'out/t2.json'
    """
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")


def _outputs(out: Path, targets: Sequence[str]) -> dict[str, Path]:
    one_file = out.name.endswith((".nii", ".nii.gz"))
    if one_file and len(targets) > 1:
        raise UserError(f"--out {out}: {len(targets)} targets need a folder, not one file")
    if len(set(targets)) < len(targets):
        raise UserError(f"--target: {', '.join(targets)} ask for one modality twice")
    return {name: out if one_file else out / f"{name}.nii.gz" for name in targets}
