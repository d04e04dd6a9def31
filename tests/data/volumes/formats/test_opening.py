"""Files that are not images, or would fill the memory: refused before they are opened or unpacked."""

from __future__ import annotations

import gzip
import os
import socket
import time
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nifti_files import make, one_line

from anysyn.data import memory
from anysyn.data.volumes.formats import SUFFIXES, read_header
from anysyn.data.volumes.formats.opening import GZIP_RATIO


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_what_is_no_file_is_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    path = Path(f"t1{suffix}")
    if kind == "pipe":
        os.mkfifo(path)  # opening it would wait for ever
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        socket.socket(socket.AF_UNIX).bind(str(path))
    for read in (None, read_header):
        assert f"is a {kind}, not a file" in (one_line(path) if read is None else one_line(path, read))


def bomb(path: Path, shape: tuple[int, ...], extra: int = 0) -> int:
    """Write a compressed image of zeros without holding it; return its bytes."""
    header = nib.Nifti1Header()
    header.set_data_shape(shape)
    header.set_data_dtype(np.float32)
    header.set_sform(np.eye(4), 1)
    header["vox_offset"], header["magic"] = 352, b"n+1"
    size = int(np.prod(shape)) * 4 + extra
    with gzip.open(path, "wb", 9) as file:
        file.write(header.binaryblock + bytes(4))
        for start in range(0, size, 1 << 20):
            file.write(bytes(min(1 << 20, size - start)))
    return size


def test_an_image_beyond_the_free_memory_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = bomb(tmp_path / "t1.nii.gz", (200, 200, 200))
    assert size / (tmp_path / "t1.nii.gz").stat().st_size > 900
    monkeypatch.setattr(memory, "free_memory", lambda: 100e6)
    tracemalloc.start()
    try:
        message = one_line(tmp_path / "t1.nii.gz")
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()
    assert "200x200x200 voxels: needs 0.16 GB of memory, and 0.1 GB are free" in message


def test_what_no_file_of_this_size_can_hold_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "t1.nii.gz")
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[42:48] = np.array([900, 900, 900], "<i2").tobytes()
    path.write_bytes(gzip.compress(bytes(content)))
    message = one_line(path)
    assert f"can be unpacked to {path.stat().st_size * GZIP_RATIO} at most" in message


def test_content_far_beyond_the_image_is_not_unpacked(tmp_path: Path) -> None:
    bomb(tmp_path / "t1.nii.gz", (10, 10, 10), extra=400 << 20)
    start = time.perf_counter()
    assert "far more than the" in one_line(tmp_path / "t1.nii.gz")
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("leads", "remedy"),
    [
        ("../.git/annex/objects/MD5E-s1--a.nii.gz", "fetch it (datalad get), or mend the link, or remove it"),
        ("../gone.nii.gz", "is a link to a file that is not here; mend the link, or remove it"),
    ],
)
def test_a_link_that_leads_nowhere_is_called_one(tmp_path: Path, leads: str, remedy: str) -> None:
    path = tmp_path / "t1.nii.gz"
    path.symlink_to(leads)
    assert remedy in one_line(path)
    assert remedy in one_line(path, read_header)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize(
    ("content", "command"),
    [
        ("/annex/objects/MD5E-s1--a.nii.gz\n", "datalad get"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
    ],
)
def test_what_stands_for_a_file_that_is_not_fetched_is_told_from_a_damaged_one(
    tmp_path: Path, suffix: str, content: str, command: str
) -> None:
    path = tmp_path / f"t1{suffix}"
    path.write_text(content)
    assert f"stands for a file that is not here; fetch it ({command})" in one_line(path)
