from __future__ import annotations

import errno
import gzip
import os
import re
import resource
import signal
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import nibabel as nib
import numpy as np
import pytest
import torch
from nifti_files import make, numbers, one_line

from anysyn.data.volumes.volume import Volume, read_mask, read_volume, write_volume


def spoilt(value: float) -> np.ndarray:
    voxels = numbers(4, 4, 4)
    voxels[1, 2, 3] = value
    return voxels


def with_affine(affine: np.ndarray) -> Callable[[Path], None]:
    def make_image(path: Path) -> None:
        image = nib.Nifti1Image(numbers(4, 4, 4), None)
        image.header["sform_code"] = 1
        image.header["srow_x"], image.header["srow_y"], image.header["srow_z"] = affine[:3]
        image.to_filename(path)

    return make_image


def of_kind(dtype: object) -> Callable[[Path], None]:
    return lambda path: nib.Nifti1Image(np.ones((4, 4, 4), dtype), np.eye(4)).to_filename(path)


def changed(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(change(make(path).read_bytes()))


RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
SINGULAR = np.array([[1, 2, 0, 0], [2, 4, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "No such file"),
    "a folder": (lambda path: path.mkdir(), "directory"),
    "empty": (lambda path: path.write_bytes(b""), "not NIfTI"),
    "text": (lambda path: path.write_bytes(gzip.compress(b"hello" * 200)), "not NIfTI"),
    "DICOM": (lambda path: path.write_bytes(gzip.compress(bytes(128) + b"DICM" + bytes(600))), "dcm2niix"),
    "truncated": (changed(lambda content: content[:-100]), "truncated"),
    "checksum": (changed(lambda content: content[:-6] + bytes([content[-6] ^ 1]) + content[-5:]), "damaged"),
    "no gzip": (changed(gzip.decompress), "not compressed"),
    "4-D": (lambda path: make(path, numbers(4, 4, 4, 3)), r"3 volumes \(4x4x4x3\).*slicer"),
    "vectors": (lambda path: make(path, numbers(4, 4, 4, 1, 3)), "3 volumes"),
    "no voxels": (lambda path: make(path, numbers(4, 0, 4)), "no voxels"),
    "one axis": (lambda path: make(path, numbers(9)), "no voxels"),
    "NaN": (lambda path: make(path, spoilt(np.nan)), "1 of 64 voxels are NaN.*nan_to_num"),
    "infinite": (lambda path: make(path, spoilt(-np.inf)), "1 of 64 voxels"),
    "beyond float32": (lambda path: make(path, spoilt(3e38).astype(np.float64) * 10), "beyond float32"),
    "constant": (lambda path: make(path, np.full((4, 4, 4), 7.0)), "every voxel is 7"),
    "complex": (of_kind(np.complex64), "magnitude"),
    "colour": (of_kind(RGB), "colours"),
    "no codes": (lambda path: make(path, codes=(0, 0)), "left and right are unknown"),
    "zero affine": (with_affine(np.zeros((4, 4))), "affine is not invertible"),
    "flat affine": (with_affine(SINGULAR), "affine is not invertible"),
    "NaN affine": (with_affine(np.full((4, 4), np.nan)), "affine"),
}


@pytest.mark.parametrize(("write", "expected"), BAD.values(), ids=BAD)
def test_bad_files_get_one_line_with_the_file_and_the_remedy(
    tmp_path: Path, write: Callable[[Path], object], expected: str
) -> None:
    write(tmp_path / "bad.nii.gz")
    message = one_line(tmp_path / "bad.nii.gz")
    assert re.search(expected, message), message


def test_another_ending_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t1.img").write_bytes(b"x")
    assert "convert" in one_line(tmp_path / "t1.img")


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "t1.nii")
    monkeypatch.setattr(Path, "open", Mock(side_effect=PermissionError(errno.EACCES, "Permission denied")))
    assert "permissions" in one_line(path)


@pytest.mark.parametrize("name", ["huge.nii", "huge.nii.gz"])
def test_a_false_shape_fills_no_memory(tmp_path: Path, name: str) -> None:
    header = nib.Nifti1Header()
    header.set_data_shape((30000, 30000, 30000))
    header.set_sform(np.eye(4), 1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    content = header.binaryblock + bytes(1000)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    tracemalloc.start()
    try:
        assert "promises 108000000000352 bytes" in one_line(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


def test_a_mask_may_be_empty_or_full_but_not_nan(tmp_path: Path) -> None:
    assert not read_mask(make(tmp_path / "empty.nii.gz", np.zeros((3, 4, 5), np.uint8))).voxels.any()
    assert read_mask(make(tmp_path / "full.nii.gz", np.full((3, 4, 5), 2, np.uint8))).voxels.all()
    make(tmp_path / "nan.nii.gz", spoilt(np.nan))
    assert "NaN" in one_line(tmp_path / "nan.nii.gz", read_mask)


def write(path: Path, **options: object) -> None:
    write_volume(Volume(torch.from_numpy(numbers(8, 8, 8)), np.eye(4)), path, **options)


def test_an_existing_file_is_kept_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "t2.nii.gz"
    path.write_bytes(b"precious")
    assert "--overwrite" in one_line(path, write)
    assert path.read_bytes() == b"precious"
    write(path, overwrite=True)
    assert read_volume(path).shape == (8, 8, 8)


def test_the_folder_is_made_or_the_reason_given(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "t2.nii.gz")
    assert (tmp_path / "a" / "b" / "t2.nii.gz").is_file()
    (tmp_path / "note").write_bytes(b"")
    assert "is a file" in one_line(tmp_path / "note" / "c" / "t2.nii.gz", write)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "permissions" in one_line(tmp_path / "t2.nii.gz", write)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("code", [errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_what_the_system_refuses_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(os, "fsync", Mock(side_effect=OSError(code, os.strerror(code))))
    path = tmp_path / "t2.nii.gz"
    path.write_bytes(b"old")
    assert os.strerror(code) in one_line(path, partial(write, overwrite=True))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_fills_up_while_writing(tmp_path: Path) -> None:
    """A limit on the size of files stops the real write half way, as a full disk does."""
    path = tmp_path / "t2.nii"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        assert "too large" in one_line(path, write)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert not list(tmp_path.iterdir())


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "t2.nii.gz")
    assert not list(tmp_path.iterdir())


def test_a_long_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="79"):
        write(tmp_path / "t2.nii.gz", description="x" * 80)


def test_real_files(shared: Path) -> None:
    images = sorted(shared.glob("*_brain_1mm/*/T1c.nii.gz")) + sorted(shared.glob("*/sub-01/ses-1/raw/T1w.nii.gz"))
    assert len(images) == 4
    for path in images:
        image = nib.load(path)
        read = read_volume(path)
        np.testing.assert_array_equal(read.voxels.numpy(), image.get_fdata(dtype=np.float32))
        np.testing.assert_array_equal(read.affine, image.affine)
        np.testing.assert_allclose(read.spacing, image.header.get_zooms(), rtol=1e-5)
    assert "slicer" in one_line(shared / "prostate_dicom/ProstateX-0000/nifti/DWI.nii.gz")
