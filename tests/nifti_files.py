"""NIfTI files with a geometry of choice, and the one line that is said of those that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from anysyn.data.errors import VolumeError
from anysyn.data.volumes.volume import read_volume


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(100, 20, shape).astype(np.float32)


def turned(*degrees: float, zooms: tuple[float, ...] = (0.9, 1.1, 3.3), mirrored: bool = False) -> np.ndarray:
    x, y, z = np.radians(degrees)
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = about_x @ about_y @ about_z @ np.diag(zooms) @ np.diag([-1 if mirrored else 1, 1, 1])
    affine[:3, 3] = -91.3, 17.7, 42.1
    return affine


def make(
    path: Path,
    voxels: np.ndarray | None = None,
    affine: np.ndarray | None = None,
    *,
    codes: tuple[int, int] = (1, 1),
    image_class: type[nib.Nifti1Image] = nib.Nifti1Image,
) -> Path:
    voxels = numbers(5, 6, 7) if voxels is None else voxels
    affine = turned(10, -20, 30) if affine is None else affine
    image = image_class(voxels, None)
    image.header.set_qform(affine, codes[0])
    image.header.set_sform(affine, codes[1])
    if codes[1] == 0:
        image.header["srow_x"] = image.header["srow_y"] = image.header["srow_z"] = 0
    if codes[0] == 0:
        image.header["quatern_b"] = image.header["quatern_c"] = image.header["quatern_d"] = 0
    image.header.set_xyzt_units("mm", "sec")
    image.to_filename(path)
    return path


def one_line(path: Path, read: Callable[[Path], object] = read_volume) -> str:
    with pytest.raises(VolumeError) as caught:
        read(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert ";" in message, "a message ends with the remedy"
    return message
