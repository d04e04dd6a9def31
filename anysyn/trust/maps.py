"""The maps of a synthesis: how large its error is expected to be, and what of it depends on which source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.data.prepare import Undo
from anysyn.data.volumes.study import Study
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.physical_range import bounds_of
from anysyn.trust.evidence import Evidence, gather
from anysyn.trust.trusted import Calibration

LOWER, UPPER, ERROR = "intervallower", "intervalupper", "error"


@dataclass(frozen=True, eq=False)
class TrustMap:
    """A map of one target.

    Args:
        kind: ``error``, ``intervallower``, ``intervalupper``, or ``depends`` with the name of a source.
        voxels: (X, Y, Z), on the grid of the sources, in the unit of the target.
        about: One sentence.
        air: Value outside the sources.
    """

    kind: str
    voxels: Tensor
    about: str
    air: float = 0.0


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

    Args:
        run: A calibrated run.
        calibration: Of it, with syntheses of each target.
        study: The sources, not prepared.
        sources: Modalities shown.
        targets: Modalities synthesized; none is a source.
        acquisitions: What was asked for, by modality.
        batch: Tiles at once.
    """
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
        yield TrustMap(kind, restored(end).clamp(low, high), f"{side} {share}", study.air(target))
    whole = restored(image)
    for source, without in evidence.without.items():
        yield TrustMap(f"depends{source}", whole - restored(without), f"The synthesis minus that without {source}")
