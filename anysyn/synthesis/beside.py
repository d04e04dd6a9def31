"""What may be written beside synthetic images, such as maps of how far to trust them; who writes it stands above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.data.geometry.grid import Grid
from anysyn.data.volumes.formats.format import Header
from anysyn.data.volumes.study import Study
from anysyn.data.volumes.volume import Volume
from anysyn.scans.grids import onto_grid
from anysyn.synthesis.loaded_run import LoadedRun


@dataclass(frozen=True, eq=False, kw_only=True)
class Synthesized:
    """Images that a run made of one study.

    Args:
        run: The run.
        study: The sources as they were read, not prepared by the run.
        sources: Their files, by modality.
        images: Files of the syntheses, by modality.
        acquisitions: What was asked for, by modality.
        onto: Where the voxels of the images lie in the world of the study; those of the study by default.
        written: The same grid in the world of the scan as it came, if that is another one.
        header: Of that scan, if it is there.
        batch: Tiles at once.
    """

    run: LoadedRun
    study: Study
    sources: Mapping[str, Path]
    images: Mapping[str, Path]
    acquisitions: Mapping[str, Acquisition]
    onto: Grid | None = None
    written: Grid | None = None
    header: Header | None = None
    batch: int = 8

    def placed(self, map_: Tensor, *, air: float = 0.0) -> Volume:
        """Return a map of the study on the grid of the images: sampled once there, or copied where voxels fall.

        Args:
            map_: (X, Y, Z), on the grid of the study.
            air: Value outside the study.
        """
        if self.onto is None:
            return Volume(map_, self.study.affine, self.study.header)
        header = self.study.header if self.written is None else self.header
        affine = (self.written or self.onto).affine
        return Volume(onto_grid(map_, self.study.grid, self.onto, background=air), affine, header)


class Beside(Protocol):
    """Writes more beside the syntheses of a study."""

    def lacking(self, made: Synthesized, *, overwrite: bool) -> Mapping[str, Path]:
        """Return those of the images beside which something is still to be written; asked before the synthesis.

        Args:
            made: Images that are there, or will be.
            overwrite: Whether what anysyn wrote earlier may be replaced.

        Raises:
            UserError: If something cannot be written, or is there and may not be replaced.
        """

    def write(self, made: Synthesized) -> Sequence[Path]:
        """Write it beside each of the images, and return the files."""


Plans = Sequence[tuple[Beside, Mapping[str, Path]]]


def planned(beside: Sequence[Beside], made: Synthesized, *, overwrite: bool) -> Plans:
    """Return what each still has to write beside images that are there, or will be.

    Raises:
        UserError: If something cannot be written, or is there and may not be replaced.
    """
    return [(one, one.lacking(made, overwrite=overwrite)) for one in beside]


def written_beside(plans: Plans, made: Synthesized) -> list[Path]:
    """Write what was planned, once the images are there, and return the files."""
    return [path for one, some in plans if some for path in one.write(replace(made, images=some))]
