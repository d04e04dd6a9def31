"""FreeSurfer's MGH, compared with nibabel, which reads and writes it independently."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from nifti_files import numbers, one_line, turned

from anysyn.data.volumes.volume import Volume, read_volume, write_volume

PLACES = [turned(0, 0, 0), turned(10, -20, 30), turned(33, 5, -71, mirrored=True)]
GEOMETRY = ("goodRASFlag", "delta", "Mdc", "Pxyz_c")


@pytest.mark.parametrize("ending", ["mgz", "mgh"])
@pytest.mark.parametrize("affine", PLACES)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32"])
def test_what_nibabel_writes_is_read_and_its_place_comes_back_to_the_bit(
    tmp_path: Path, ending: str, affine: np.ndarray, dtype: str
) -> None:
    voxels = numbers(5, 6, 7).astype(dtype)
    nib.MGHImage(voxels, affine).to_filename(tmp_path / f"in.{ending}")
    volume = read_volume(tmp_path / f"in.{ending}")
    np.testing.assert_array_equal(volume.voxels.numpy(), voxels)
    np.testing.assert_allclose(volume.affine, affine, atol=2e-5)
    write_volume(volume, tmp_path / f"out.{ending}", description="synthetic")
    before, after = nib.load(tmp_path / f"in.{ending}"), nib.load(tmp_path / f"out.{ending}")
    for name in GEOMETRY:
        np.testing.assert_array_equal(after.header[name], before.header[name], err_msg=name)
    np.testing.assert_array_equal(after.affine, before.affine)
    np.testing.assert_array_equal(after.get_fdata(dtype=np.float32), voxels)
    assert after.get_data_dtype() == np.dtype(">f4")


@pytest.mark.parametrize("affine", PLACES)
def test_nibabel_reads_what_is_written_where_it_was(tmp_path: Path, affine: np.ndarray) -> None:
    voxels = numbers(5, 6, 7)
    write_volume(Volume(torch.from_numpy(voxels), affine), tmp_path / "out.mgz", description="synthetic")
    image = nib.load(tmp_path / "out.mgz")
    np.testing.assert_array_equal(image.get_fdata(dtype=np.float32), voxels)
    np.testing.assert_allclose(image.affine, affine, atol=2e-5)
    tag = gzip.decompress((tmp_path / "out.mgz").read_bytes())[284 + voxels.nbytes + 20 :]
    assert tag == struct.pack(">iq", 3, 10) + b"synthetic\0", "FreeSurfer's tag of the command line"


def test_the_same_voxels_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.mgz", "b.mgz"):
        write_volume(Volume(torch.from_numpy(numbers(5, 6, 7)), np.eye(4)), tmp_path / name)
    assert (tmp_path / "a.mgz").read_bytes() == (tmp_path / "b.mgz").read_bytes()


def header(**changed: object) -> bytes:
    made = nib.MGHImage(numbers(4, 4, 4), np.eye(4)).header
    fields = np.frombuffer(made.binaryblock, made.template_dtype.newbyteorder(">")).copy()
    for name, value in changed.items():
        fields[name] = value
    return fields.tobytes()[:90].ljust(284, b"\0")


BAD = {
    "empty": (b"", "no MGH file"),
    "version": (header(version=7) + bytes(256), "its version is 7"),
    "type": (header(type=9) + bytes(256), "type 9"),
    "no place": (header(goodRASFlag=0) + bytes(256), "left and right are unknown"),
    "frames": (header(dims=[4, 4, 4, 3]) + bytes(768), "3 volumes"),
    "no voxels": (header(dims=[4, -4, 4, 1]) + bytes(256), "no voxels"),
    "short": (header() + bytes(200), "promises 540 bytes and there are 484"),
    "huge": (header(dims=[30000, 30000, 30000, 1]) + bytes(256), "promises 108000000000284 bytes"),
    "flat": (header(delta=[1, 0, 1]) + bytes(256), "not invertible"),
    "spacing": (header(delta=[1e9, 1, 1]) + bytes(256), "1e+09x1x1 mm"),
    "NaN": (header(Pxyz_c=[np.nan] * 3) + bytes(256), "not invertible"),
}


@pytest.mark.parametrize("ending", ["mgh", "mgz"])
@pytest.mark.parametrize(("content", "expected"), BAD.values(), ids=BAD)
def test_bad_files_get_one_line_with_the_file_and_the_remedy(
    tmp_path: Path, content: bytes, expected: str, ending: str
) -> None:
    path = tmp_path / f"bad.{ending}"
    path.write_bytes(gzip.compress(content) if ending == "mgz" else content)
    message = one_line(path)
    if not (ending == "mgz" and expected.startswith("promises 540")):
        assert expected in message or "truncated" in message, message
