"""The maps of a synthesis from files: how large its error is expected to be, and what of it depends on which source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.bounds import Count, within_bounds
from anysyn.data.modalities import modality
from anysyn.data.prepare import Undo
from anysyn.data.volumes.formats import stem
from anysyn.data.volumes.study import Study
from anysyn.data.volumes.volume import Volume
from anysyn.errors import UserError
from anysyn.synthesis.files import provenance, read_request
from anysyn.synthesis.loaded_run import LoadedRun, load_run
from anysyn.synthesis.physical_range import bounds_of
from anysyn.synthesis.written_images import check_replaceable, write_synthetic
from anysyn.trust.evidence import Evidence, gather
from anysyn.trust.trusted import Calibration, read_calibration

LOWER, UPPER, ERROR = "intervallower", "intervalupper", "error"


@dataclass(frozen=True, eq=False)
class TrustMap:
    """A map of one target.

    Args:
        kind: ``error``, ``intervallower``, ``intervalupper``, or ``depends`` with the name of a source.
        voxels: (X, Y, Z), on the grid of the sources, in the unit of the target.
        about: One sentence.
    """

    kind: str
    voxels: Tensor
    about: str


@within_bounds
def write_trust(
    run: str | Path | LoadedRun,
    *,
    sources: Mapping[str, str | Path],
    syntheses: Mapping[str, str | Path],
    resample_to: str | None = None,
    acquisition: Acquisition | Mapping[str, Acquisition] | None = None,
    dataset: str | None = None,
    batch: Count = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
) -> list[Path]:
    """Write maps of how far to trust syntheses beside them: ``flair.nii.gz`` gets ``flair_desc-error.nii.gz``.

    Args:
        run: A run that was calibrated (`anysyn.calibrate`).
        sources: Files by modality, as the syntheses were made from.
        syntheses: Files by modality; they need not be there.
        resample_to: As in `synthesize`.
        acquisition: As in `synthesize`.
        dataset: As in `synthesize`.
        batch: Slices or patches at once.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        overwrite: Whether maps that anysyn made earlier may be replaced.

    Returns:
        The files written.

    Raises:
        UserError: If the run was not calibrated, a target is a source, or a map exists and may not be replaced.
    """
    loaded = (run if isinstance(run, LoadedRun) else load_run(run, accelerator=accelerator)).treat_as(dataset)
    calibration = read_calibration(loaded)
    files = {modality(name).name: Path(path) for name, path in sources.items()}
    places = {modality(name).name: Path(path) for name, path in syntheses.items()}
    check_targets(files, places)
    kinds = [ERROR, LOWER, UPPER, *(f"depends{name}" for name in files if len(files) > 1)]
    for path in (map_path(place, kind) for place in places.values() for kind in kinds):
        if path.exists() and not overwrite:
            raise UserError(f"{path} exists; allow replacing it with --overwrite, or choose another --out")
        check_replaceable(path, files.values())
    asked = read_request(loaded, files, list(places), resample_to, None, acquisition)
    made = trust_maps(loaded, calibration, asked.study, list(files), list(places), asked.acquisitions, batch)
    written = []
    for name, maps in made.items():
        for one in maps:
            path = map_path(places[name], one.kind)
            record = provenance(loaded, files, asked.acquisitions[name]) | map_record(one, calibration, name)
            write_synthetic(Volume(one.voxels, asked.study.affine, asked.study.header), path, record)
            written.append(path)
    return written


def check_targets(sources: Mapping[str, Any], targets: Mapping[str, Any]) -> None:
    """Refuse a target that is among the sources: the network need not synthesize what it is shown."""
    both = next((name for name in targets if name in sources), None)
    if both is not None:
        raise UserError(f"--target {both} is a source, too; leave it out of one of them to have its trust maps")


def map_path(image: Path, kind: str) -> Path:
    """Return the file of a map beside its image.

    Example:
        >>> map_path(Path("out/flair.nii.gz"), "error").as_posix()
        'out/flair_desc-error.nii.gz'
    """
    return image.with_name(f"{stem(image)}_desc-{kind}{image.name[len(stem(image)) :]}")


def map_record(one: TrustMap, calibration: Calibration, target: str) -> dict[str, Any]:
    """Return the entries of a map's sidecar."""
    about: dict[str, Any] = {"TrustMap": one.kind, "About": one.about}
    if one.kind in (LOWER, UPPER):
        about |= {"Level": calibration.level, "ExpectedErrorsWide": calibration.quantiles[target]}
        about |= {"CoverageOfPeopleLeftOut": calibration.coverage[target]}
    return about | {"CalibratedOnPeople": calibration.people}


def trust_maps(
    run: LoadedRun,
    calibration: Calibration,
    study: Study,
    sources: Sequence[str],
    targets: Sequence[str],
    acquisitions: Mapping[str, Acquisition],
    batch: int = 8,
) -> dict[str, list[TrustMap]]:
    """Return the maps of each target, in the unit of the target and on the grid of a study as it was read.

    Raises:
        UserError: If the calibration had no synthesis of a target.
    """
    for name in targets:
        if name not in calibration.quantiles:
            known = ", ".join(calibration.quantiles)
            raise UserError(f"{name}: nobody whom this run was calibrated on has it; the maps are there for {known}")
    prepared, undo = run.pipeline(study if run.dataset is None else replace(study, dataset=run.dataset))
    found = gather(run, prepared, sources, targets, batch=batch, acquisitions=acquisitions)
    names = list(run.recipe.modalities)
    return {
        name: list(_maps(run, calibration, study, prepared, undo, name, names.index(name), evidence))
        for name, evidence in found.items()
    }


def _maps(
    run: LoadedRun,
    calibration: Calibration,
    study: Study,
    prepared: Study,
    undo: Undo,
    target: str,
    number: int,
    evidence: Evidence,
) -> Iterator[TrustMap]:
    inside = prepared.foreground

    def restored(image: Tensor) -> Tensor:
        """Return an image in the unit of the target and on the grid of the sources."""
        images = {target: torch.where(inside, image, torch.tensor(prepared.air(target)))}
        return undo(replace(prepared, images=images)).images[target]

    expected = calibration.calibrator.of_map(evidence.kinds, number)
    image = evidence.image
    above, below = restored(image + expected), restored(image - expected)
    yield TrustMap(ERROR, (above - below).abs() / 2, "Expected absolute error of the synthesis")
    wide = calibration.quantiles[target] * expected
    low, high = bounds_of(target, study, run.pipeline)
    share = f"of an interval that is to hold the truth in {calibration.level:.0%} of the voxels"
    for kind, end in ((LOWER, image - wide), (UPPER, image + wide)):
        side = "Lower end" if kind == LOWER else "Upper end"
        yield TrustMap(kind, restored(end).clamp(low, high), f"{side} {share}")
    whole = restored(image)
    for source, without in evidence.without.items():
        yield TrustMap(f"depends{source}", whole - restored(without), f"The synthesis minus that without {source}")
