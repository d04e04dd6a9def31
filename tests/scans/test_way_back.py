"""What lies in a prepared study comes back to where the scan was, exactly where voxels fall on each other."""

import json

import numpy as np
import pytest
import torch
from head_phantom import grid_of, write
from nifti_files import turned

import anysyn
from anysyn.data.errors import VolumeError
from anysyn.data.geometry.grid import Grid
from anysyn.data.volumes.volume import read_volume
from anysyn.scans.grids import canonical
from anysyn.scans.registration.rotations import rigid
from anysyn.scans.way_back import WayBack, way_back


def test_the_reference_comes_back_to_the_bit(tmp_path):
    grid = Grid((30, 36, 30), turned(6, -8, 12, zooms=(6.0, 6.0, 6.0), mirrored=True))
    source = write(tmp_path / "in" / "a" / "T1w.nii.gz", grid=grid)
    study = anysyn.prepare(tmp_path / "in", out=tmp_path / "out")
    [prepared] = study.folder.glob("sub-a/anat/*.nii.gz")
    scan, moved = read_volume(source), read_volume(prepared)
    assert np.all(np.diag(moved.affine)[:3] > 0)
    assert torch.equal(way_back(prepared).back(moved.voxels), scan.voxels)


def test_a_turned_scan_is_sampled_where_its_voxels_are():
    """Linear interpolation of a linear image is exact, so each voxel must have the value of its own place."""
    motion, thick = rigid((9, -6, 4), (5, 3, -8)), grid_of((20, 22, 12), (3.0, 3.0, 6.0))
    study = canonical(grid_of((96, 112, 96), (2.0, 2.0, 2.0)))

    def slope(grid):
        axes = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"))
        return np.einsum("j,j...->...", [1, 2, 3] @ grid.affine[:3, :3], axes) + [1, 2, 3] @ grid.affine[:3, 3]

    way = WayBack(prepared=study, scan=thick, matrix=motion)
    back = way.back(torch.from_numpy(slope(study).astype(np.float32)))
    assert np.allclose(back.numpy(), slope(Grid(thick.shape, motion @ thick.affine)), atol=1e-3)


def test_a_damaged_record_is_said(tmp_path):
    path = write(tmp_path / "T1w.nii.gz", grid=grid_of((8, 8, 8)))
    with pytest.raises(VolumeError, match="no record"):
        way_back(path)
    (tmp_path / "T1w.json").write_text(json.dumps({"Preparation": {"Grid": {"Shape": [1, 2, 3], "Affine": [[1]]}}}))
    with pytest.raises(VolumeError, match="damaged"):
        way_back(path)
