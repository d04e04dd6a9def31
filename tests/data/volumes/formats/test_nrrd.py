"""NRRD, compared with ITK, which reads and writes it independently."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from itk_files import ROUNDED, TYPES, affine_of, itk_image, same_place
from nifti_files import numbers, one_line, turned

from anysyn.data.volumes.volume import Volume, read_volume, write_volume

PLACES = [turned(0, 0, 0), turned(10, -20, 30), turned(33, 5, -71, mirrored=True)]


@pytest.mark.parametrize("ending", ["nrrd", "nhdr"])
@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", TYPES)
def test_what_itk_writes_is_read_as_itk_reads_it(tmp_path: Path, ending: str, compressed: bool, dtype: str) -> None:
    image = itk_image(ROUNDED.astype(dtype), PLACES[1])
    sitk.WriteImage(image, str(tmp_path / f"in.{ending}"), compressed)
    volume = read_volume(tmp_path / f"in.{ending}")
    np.testing.assert_array_equal(volume.voxels.numpy(), ROUNDED.astype(dtype))
    np.testing.assert_allclose(volume.affine, affine_of(sitk.ReadImage(str(tmp_path / f"in.{ending}"))), atol=1e-12)


@pytest.mark.parametrize("affine", PLACES)
def test_itk_reads_what_is_written_where_it_was(tmp_path: Path, affine: np.ndarray) -> None:
    voxels = numbers(5, 6, 7)
    write_volume(Volume(torch.from_numpy(voxels), affine), tmp_path / "out.nrrd", description="synthetic")
    image = sitk.ReadImage(str(tmp_path / "out.nrrd"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).transpose(2, 1, 0), voxels)
    np.testing.assert_allclose(affine_of(image), affine, atol=1e-12)
    assert image.GetMetaData("NRRD_content") == "synthetic"


def text(**changed: str | None) -> bytes:
    fields = {
        **{"type": "unsigned char", "dimension": "3", "space": "left-posterior-superior", "sizes": "4 4 4"},
        **{"space directions": "(2,0,0) (0,2.5,0) (0,0,3)", "endian": "little", "encoding": "raw"},
        **{"space origin": "(10,20,30)"},
        **{key.replace("_", " "): value for key, value in changed.items()},
    }
    lines = "".join(f"{key}: {value}\n" for key, value in fields.items() if value is not None)
    return f"NRRD0004\n# a comment: of no matter\nkey:=value\n{lines}\n".encode()


VOXELS = bytes(range(64))
PACKED = gzip.compress(VOXELS)


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (-1, -1, 1)),
        ("LPS", (-1, -1, 1)),
        ("right-anterior-superior", (1, 1, 1)),
        ("RAS", (1, 1, 1)),
        ("left-anterior-superior", (-1, 1, 1)),
        ("LAS", (-1, 1, 1)),
    ],
)
def test_every_world_is_turned_to_ras_and_written_back_in_its_own(
    tmp_path: Path, space: str, signs: tuple[int, ...]
) -> None:
    (tmp_path / "a.nrrd").write_bytes(text(space=space) + VOXELS)
    volume = read_volume(tmp_path / "a.nrrd")
    expected = np.diag([*signs, 1.0]) @ np.array([[2, 0, 0, 10], [0, 2.5, 0, 20], [0, 0, 3, 30], [0, 0, 0, 1.0]])
    np.testing.assert_array_equal(volume.affine, expected)
    image = sitk.ReadImage(str(tmp_path / "a.nrrd"))
    np.testing.assert_allclose(affine_of(image), expected)
    write_volume(volume, tmp_path / "b.nrrd")
    np.testing.assert_array_equal(read_volume(tmp_path / "b.nrrd").affine, expected)
    same_place(image, sitk.ReadImage(str(tmp_path / "b.nrrd")))
    fields = dict(line.split(": ", 1) for line in text(space=space).decode().splitlines() if ": " in line)
    header = (tmp_path / "b.nrrd").read_bytes().split(b"\n\n")[0].decode()
    assert f"space directions: {fields['space directions']}" in header
    assert ("right" in header) == (signs[0] > 0)


def test_an_axis_of_length_one_that_is_not_of_space(tmp_path: Path) -> None:
    changed = {"dimension": "4", "sizes": "1 4 4 4", "space_directions": "none (2,0,0) (0,2,0) (0,0,2)"}
    (tmp_path / "a.nrrd").write_bytes(text(**changed) + VOXELS)
    assert read_volume(tmp_path / "a.nrrd").voxels.permute(2, 1, 0).flatten().tolist() == list(range(64))


def test_big_endian_gzip_and_metres(tmp_path: Path) -> None:
    voxels = np.arange(64, dtype=">i2").tobytes()
    changed = {"type": "short", "endian": "big", "encoding": "gzip", "space_units": '"m" "m" "m"'}
    directions = {"space_directions": "(0.002,0,0) (0,0.0025,0) (0,0,0.003)", "space_origin": "(0.01,0.02,0.03)"}
    half = len(voxels) // 2
    packed = gzip.compress(voxels[:half]) + gzip.compress(voxels[half:])  # as bgzip writes it, in parts
    (tmp_path / "a.nrrd").write_bytes(text(**changed, **directions) + packed)
    volume = read_volume(tmp_path / "a.nrrd")
    assert volume.voxels.permute(2, 1, 0).flatten().tolist() == list(range(64))
    np.testing.assert_allclose(volume.affine, [[-2, 0, 0, -10], [0, -2.5, 0, -20], [0, 0, 3, 30], [0, 0, 0, 1]])
    write_volume(volume, tmp_path / "b.nrrd")
    assert b'space units: "m" "m" "m"\n' in (tmp_path / "b.nrrd").read_bytes()
    np.testing.assert_array_equal(read_volume(tmp_path / "b.nrrd").affine, volume.affine)


BAD = {
    "empty": (b"", "no NRRD"),
    "other text": (b"hello\n" * 20, "no NRRD"),
    "cut header": (text()[:60], "damaged NRRD header"),
    "short": (text() + VOXELS[:-1], "promises 64 bytes and there are 63"),
    "short, compressed": (text(encoding="gzip") + PACKED[:-12], "truncated"),
    "damaged, compressed": (text(encoding="gzip") + PACKED[:-5] + b"?" + PACKED[-4:], "damaged"),
    "a bomb": (text(sizes="40000 40000 40000", encoding="gzip") + PACKED, "can be unpacked to"),
    "two volumes": (
        text(dimension="4", sizes="2 4 4 4", space_directions="none (1,0,0) (0,1,0) (0,0,1)") + VOXELS * 2,
        "2 volumes",
    ),
    "no voxels": (text(sizes="4 0 4"), "no voxels"),
    "encoding": (text(encoding="bzip2") + VOXELS, "'bzip2'"),
    "type": (text(type="block") + VOXELS, "'block'"),
    "no world": (text(space=None) + VOXELS, "left and right are unknown"),
    "other world": (text(space="scanner-xyz") + VOXELS, "left and right are unknown"),
    "no directions": (text(space_directions=None, spacings="1 1 1") + VOXELS, "left and right are unknown"),
    "flat": (text(space_directions="(1,0,0) (1,0,0) (0,0,1)") + VOXELS, "not invertible"),
    "NaN": (text(space_directions="(nan,0,0) (0,1,0) (0,0,1)") + VOXELS, "not invertible"),
    "spacing": (text(space_directions="(1e9,0,0) (0,1,0) (0,0,1)") + VOXELS, r"1e\+09x1x1 mm"),
    "units": (text(space_units='"mm" "mm" "furlong"') + VOXELS, "the same for all axes"),
    "axes": (text(dimension="1000000000") + VOXELS, "dimension is 1000000000"),
    "elsewhere": (text(data_file="../a.raw"), "not in its folder"),
    "list": (text(data_file="LIST"), "several files"),
    "no origin": (text(space_origin=None, spacu_origin="(10,20,30)") + VOXELS, "no space origin"),
    "twice": (text().replace(b"space origin", b"endian: big\nspace origin") + VOXELS, "endian twice"),
    "byte order": (text(type="short", endian=None) + 2 * VOXELS, "no endian"),
    "skips": (text(line_skip="3") + VOXELS, "skips lines"),
}


@pytest.mark.parametrize(("content", "expected"), BAD.values(), ids=BAD)
def test_bad_files_get_one_line_with_the_file_and_the_remedy(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "bad.nrrd").write_bytes(content)
    message = one_line(tmp_path / "bad.nrrd")
    assert re.search(expected, message), message


def test_bytes_before_voxels_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "a.nhdr").write_bytes(text(data_file="a.raw", byte_skip="-1"))
    (tmp_path / "a.raw").write_bytes(b"a note" + VOXELS)
    assert read_volume(tmp_path / "a.nhdr").voxels.permute(2, 1, 0).flatten().tolist() == list(range(64))
