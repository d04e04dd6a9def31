"""Whatever a file holds, reading it gives a volume or a VolumeError, in little time and memory."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anysyn.data.errors import VolumeError
from anysyn.data.volumes.volume import Volume, read_mask, read_volume

MEMORY = 50e6

fuzzed = settings(
    max_examples=100, deadline=2000, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def valid(image_class: type[nib.Nifti1Image] = nib.Nifti1Image) -> bytes:
    image = image_class(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.diag([-1.0, 1, 2, 1]))
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"a note"))
    return bytes(image.to_bytes())


VALID = {"nifti1": valid(), "nifti2": valid(nib.Nifti2Image)}


def check(folder: Path, content: bytes, compress: bool) -> Volume | None:
    """Read the bytes as a file; anything but a sound volume or a VolumeError of one line fails the test."""
    path = folder / ("x.nii.gz" if compress else "x.nii")
    path.write_bytes(gzip.compress(content, 1, mtime=0) if compress else content)
    return read(path)


def read(path: Path) -> Volume | None:
    tracemalloc.start()
    try:
        volume, message = read_volume(path), None
    except VolumeError as error:
        volume, message = None, str(error)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < MEMORY, f"{peak} bytes for a file of {path.stat().st_size}"
    if volume is None:
        assert str(path) in str(message)
        assert "\n" not in str(message)
        return None
    assert volume.voxels.ndim == 3
    assert volume.voxels.dtype == torch.float32
    assert torch.isfinite(volume.voxels).all()
    assert abs(np.linalg.det(volume.affine)) > 0
    return volume


@pytest.mark.parametrize("content", VALID.values(), ids=VALID)
def test_the_seed_of_the_fuzz_is_valid(tmp_path: Path, content: bytes) -> None:
    assert check(tmp_path, content, False) is not None
    assert check(tmp_path, content, True) is not None


@fuzzed
@given(content=st.binary(max_size=1000), compress=st.booleans())
def test_random_bytes(tmp_path: Path, content: bytes, compress: bool) -> None:
    assert check(tmp_path, content, compress) is None


@fuzzed
@given(content=st.binary(max_size=1000))
def test_random_bytes_that_say_they_are_compressed(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.nii.gz"
    path.write_bytes(b"\x1f\x8b\x08" + content)
    assert read(path) is None


@fuzzed
@given(name=st.sampled_from(sorted(VALID)), keep=st.floats(0, 1, exclude_max=True), before=st.booleans())
def test_truncated_files(tmp_path: Path, name: str, keep: float, before: bool) -> None:
    """Cut before and after the compression: a lost end is always noticed."""
    content = VALID[name]
    if before:
        assert check(tmp_path, content[: int(keep * len(content))], True) is None
        return
    path = tmp_path / "x.nii.gz"
    packed = gzip.compress(content, mtime=0)
    path.write_bytes(packed[: int(keep * len(packed))])
    assert read(path) is None


@fuzzed
@given(
    name=st.sampled_from(sorted(VALID)),
    flips=st.lists(st.tuples(st.integers(0, 539), st.integers(0, 7)), min_size=1, max_size=20),
    compress=st.booleans(),
)
def test_flipped_bits_in_the_header(tmp_path: Path, name: str, flips: list[tuple[int, int]], compress: bool) -> None:
    content = bytearray(VALID[name])
    for byte, bit in flips:
        content[byte % len(content)] ^= 1 << bit
    check(tmp_path, bytes(content), compress)


@fuzzed
@given(
    name=st.sampled_from(
        ["dim", "datatype", "pixdim", "vox_offset", "scl_slope", "scl_inter", "qform_code", "quatern_b"]
    ),
    value=st.one_of(st.integers(-(2**15), 2**15 - 1), st.floats(width=32)),
    place=st.integers(0, 7),
)
def test_odd_numbers_in_the_header(tmp_path: Path, name: str, value: float, place: int) -> None:
    header = nib.Nifti1Header.from_fileobj(io.BytesIO(VALID["nifti1"]))
    field = header.structarr[name]
    if np.issubdtype(field.dtype, np.integer):
        value = int(value) if np.isfinite(value) and abs(value) < 2**15 else -1
    if field.ndim:
        field[place % len(field)] = value
    else:
        header.structarr[name] = value
    check(tmp_path, header.binaryblock + VALID["nifti1"][348:], False)


@fuzzed
@given(
    shape=st.lists(st.integers(0, 5), min_size=1, max_size=5),
    kind=st.sampled_from(["uint8", "int16", "uint16", "int32", "int64", "float32", "float64", "complex64"]),
    fill=st.sampled_from(["ramp", "constant", "nan"]),
)
def test_shapes_and_types(tmp_path: Path, shape: list[int], kind: str, fill: str) -> None:
    count = int(np.prod(shape))
    voxels = (np.arange(count) if fill == "ramp" else np.full(count, 3)).reshape(shape).astype(kind)
    if fill == "nan" and count and np.dtype(kind).kind == "f":
        voxels.flat[0] = np.nan
    nib.Nifti1Image(voxels, np.eye(4), dtype=kind).to_filename(tmp_path / "x.nii")
    volume = read(tmp_path / "x.nii")
    spatial = (*shape, 1)[:3]
    usable = len(shape) > 1 and count > 1 and int(np.prod(shape[3:])) == 1 and kind != "complex64" and fill == "ramp"
    assert (volume is not None) == usable
    if volume is not None:
        assert volume.shape == tuple(spatial)
        assert volume.voxels.flatten().tolist() == list(range(count))


@fuzzed
@given(content=st.binary(min_size=540, max_size=600))
def test_masks_hold_to_the_same_rule(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.nii"
    path.write_bytes(VALID["nifti1"][:352] + content)
    with suppress(VolumeError):
        assert read_mask(path).voxels.dtype == torch.bool


def fuzz(folder: Path, count: int, seed: int) -> None:
    """Use damaged images in another process, whose memory is then known."""
    program = Path(__file__).parents[2] / "damaged_headers.py"
    made = subprocess.run(
        [sys.executable, str(program), str(folder), str(count), str(seed)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60 + count,
    )
    report = json.loads(made.stdout)
    assert not report["faults"], "\n".join(report["faults"])
    assert report["seconds"] < 10
    assert report["megabytes"] < 2000
    assert count / 10 < report["used"] < 0.9 * count, "damage that hardly matters, or always does, proves little"
    assert not made.stderr, "what nibabel says of a header is said by the error, or nothing is to be said"


def test_damaged_headers_of_every_format(tmp_path: Path) -> None:
    fuzz(tmp_path, 200, 1)


@pytest.mark.slow
def test_two_thousand_damaged_headers_of_every_format(tmp_path: Path) -> None:
    fuzz(tmp_path, 2000, 2)
