"""The way back: what lies on the grid of a prepared study, on the grid of a scan as it came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from anysyn.data.errors import VolumeError
from anysyn.data.geometry.grid import Grid
from anysyn.data.subjects.sidecars import sidecar_beside
from anysyn.scans.grids import matrix_of, onto_grid, recorded_grid


@dataclass(frozen=True, eq=False, kw_only=True)
class WayBack:
    """From a prepared study to one of its scans as it came.

    Args:
        prepared: Grid of the study, in the world of the reference.
        scan: Grid of the scan, in its own world.
        matrix: (4, 4), world of the scan to that of the reference, mm, RAS+.

    Example:
        >>> import torch
        >>> grid = Grid((4, 5, 6), np.diag([-1.0, 1, 1, 1]))
        >>> way = WayBack(prepared=Grid((2, 5, 6), np.eye(4) - [[0, 0, 0, 2]] * 1), scan=grid, matrix=np.eye(4))
        >>> way.back(torch.ones(2, 5, 6), air=0.0).shape
        torch.Size([4, 5, 6])
    """

    prepared: Grid
    scan: Grid
    matrix: NDArray[np.float64]

    @property
    def moved(self) -> Grid:
        """Return the grid of the scan in the world of the reference: where its voxels lie in the study."""
        return Grid(self.scan.shape, self.matrix @ self.scan.affine)

    def back(self, image: Tensor, *, air: float = 0.0) -> Tensor:
        """Bring an image of the study onto the grid of the scan: sampled once at its voxels, or copied where they fall.

        Args:
            image: (X, Y, Z) float32 on the study's grid.
            air: Value outside the study.
        """
        return onto_grid(image, self.prepared, self.moved, background=air)


def way_back(image: str | Path) -> WayBack:
    """Return the way from a prepared image to its scan as it came, by the record in its sidecar.

    Raises:
        VolumeError: If the image has no such record.
    """
    return way_of(preparation_of(image), Path(image).name)


def preparation_of(image: str | Path) -> dict[str, Any]:
    """Return what the sidecar of a prepared image records.

    Raises:
        VolumeError: If it records nothing.
    """
    record = sidecar_beside(Path(image)).get("Preparation")
    if not isinstance(record, dict):
        raise VolumeError(f"{image}: its sidecar has no record of a preparation; make it with anysyn prepare")
    return record


def way_of(record: Mapping[str, Any], where: str) -> WayBack:
    """Return the way back of a record.

    Args:
        record: What `preparation_of` returns.
        where: Begins the message of an error.

    Raises:
        VolumeError: If the record is damaged.
    """
    try:
        return WayBack(
            prepared=recorded_grid(record["Grid"]),
            scan=recorded_grid(record["SourceGrid"]),
            matrix=matrix_of(record["Transform"]["Matrix"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise VolumeError(f"{where}: the record of its preparation is damaged; prepare it anew") from error
