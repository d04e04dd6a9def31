from __future__ import annotations

import errno
import gzip
import os
import re
import resource
import signal
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from anysyn.data import files
from anysyn.data.volume import Volume, VolumeError, read_mask, read_volume, write_volume

SHARED = Path(__file__).parents[2] / "../shared/data"
GEOMETRY = ("qform_code", "sform_code", "srow_x", "srow_y", "srow_z", "xyzt_units", "dim_info")
GEOMETRY += ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z")


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


@pytest.mark.parametrize("codes", [(1, 1), (0, 2), (1, 0), (2, 4), (3, 1)])
@pytest.mark.parametrize(
    "affine",
    [np.diag([1.0, 1, 1, 1]), turned(10, -20, 30), turned(0, 0, 0, mirrored=True), turned(33, 5, -71, mirrored=True)],
    ids=["straight", "oblique", "left-handed", "both"],
)
def test_geometry_comes_back_to_the_bit(tmp_path: Path, affine: np.ndarray, codes: tuple[int, int]) -> None:
    source = make(tmp_path / "in.nii.gz", affine=affine, codes=codes)
    volume = read_volume(source)
    write_volume(volume, tmp_path / "out.nii.gz")
    before, after = nib.load(source), nib.load(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(before.affine, after.affine)
    for name in GEOMETRY:
        np.testing.assert_array_equal(before.header[name], after.header[name], err_msg=name)
    np.testing.assert_array_equal(before.header["pixdim"][:4], after.header["pixdim"][:4])
    np.testing.assert_array_equal(before.get_fdata(dtype=np.float32), after.get_fdata(dtype=np.float32))


def test_forms_that_differ_are_both_kept(tmp_path: Path) -> None:
    image = nib.Nifti1Image(numbers(4, 5, 6), None)
    image.header.set_qform(turned(10, 0, 0), 1)
    image.header.set_sform(turned(0, 25, 0), 4)
    image.to_filename(tmp_path / "in.nii")
    write_volume(read_volume(tmp_path / "in.nii"), tmp_path / "out.nii")
    after = nib.load(tmp_path / "out.nii").header
    np.testing.assert_array_equal(after.get_qform(), image.header.get_qform())
    np.testing.assert_array_equal(after.get_sform(), image.header.get_sform())


@pytest.mark.parametrize("codes", [(1, 1), (0, 3)])
def test_nifti2_keeps_its_double_precision(tmp_path: Path, codes: tuple[int, int]) -> None:
    source = make(tmp_path / "in.nii.gz", affine=turned(10, 20, 30), codes=codes, image_class=nib.Nifti2Image)
    write_volume(read_volume(source), tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(nib.load(tmp_path / "out.nii.gz").affine, nib.load(source).affine)


def test_a_big_endian_file_is_read_and_its_geometry_kept(tmp_path: Path) -> None:
    image = nib.Nifti1Image(numbers(4, 5, 6), turned(10, 20, 30), nib.Nifti1Header(endianness=">"))
    image.set_data_dtype(">f4")
    image.to_filename(tmp_path / "in.nii")
    volume = read_volume(tmp_path / "in.nii")
    np.testing.assert_array_equal(volume.voxels.numpy(), numbers(4, 5, 6))
    write_volume(volume, tmp_path / "out.nii")
    np.testing.assert_array_equal(nib.load(tmp_path / "out.nii").affine, nib.load(tmp_path / "in.nii").affine)


def test_another_grid_keeps_each_form_in_its_own_world(tmp_path: Path) -> None:
    """The sform may lie in a template's space; half as large voxels stay where they were in both spaces."""
    path = make(tmp_path / "in.nii.gz", codes=(1, 4))
    image = nib.load(path)
    image.set_qform(turned(0, 25, 10), 1)
    nib.save(image, path)
    source = read_volume(path)
    change = np.diag([0.5, 0.5, 0.5, 1])
    change[:3, 3] = -0.25
    write_volume(Volume(source.voxels, source.affine @ change, source.header), tmp_path / "out.nii.gz")
    header = nib.load(tmp_path / "out.nii.gz").header
    assert (int(header["qform_code"]), int(header["sform_code"])) == (1, 4)
    np.testing.assert_allclose(header.get_sform(), source.affine @ change, atol=1e-4)
    np.testing.assert_allclose(header.get_qform(), nib.load(path).get_qform() @ change, atol=1e-3)


def test_another_affine_replaces_both_forms(tmp_path: Path) -> None:
    source = read_volume(make(tmp_path / "in.nii.gz", codes=(1, 2)))
    moved = turned(0, 40, 0)
    write_volume(Volume(source.voxels, moved, source.header), tmp_path / "out.nii.gz")
    header = nib.load(tmp_path / "out.nii.gz").header
    np.testing.assert_allclose(header.get_sform(), moved, atol=1e-5)
    np.testing.assert_allclose(header.get_qform(), moved, atol=1e-4)
    assert (int(header["qform_code"]), int(header["sform_code"])) == (1, 2)


def test_a_shear_has_no_qform(tmp_path: Path) -> None:
    sheared = np.eye(4)
    sheared[0, 1] = 0.3
    write_volume(Volume(torch.from_numpy(numbers(4, 5, 6)), sheared), tmp_path / "out.nii.gz")
    header = nib.load(tmp_path / "out.nii.gz").header
    assert int(header["qform_code"]) == 0
    np.testing.assert_allclose(header.get_sform(), sheared, atol=1e-6)


def test_nothing_of_the_source_but_its_geometry_is_written(tmp_path: Path) -> None:
    image = nib.Nifti1Image((numbers(4, 5, 6) * 10).astype(np.int16), turned(1, 2, 3))
    image.header["db_name"], image.header["descrip"], image.header["aux_file"] = b"DOE^JANE", b"the source", b"x.txt"
    image.header["cal_max"], image.header["slice_duration"] = 5, 7
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"DOE^JANE"))
    image.to_filename(tmp_path / "in.nii")
    write_volume(read_volume(tmp_path / "in.nii"), tmp_path / "out.nii", description="synthetic, not for clinical use")
    written = nib.load(tmp_path / "out.nii")
    assert b"JANE" not in (tmp_path / "out.nii").read_bytes()
    assert written.header["descrip"].item() == b"synthetic, not for clinical use"
    assert written.header.get_data_dtype() == np.float32
    assert written.dataobj.slope == 1
    assert written.dataobj.inter == 0
    assert written.header["cal_max"] == written.header["slice_duration"] == 0
    np.testing.assert_array_equal(written.get_fdata(), image.get_fdata())


def test_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    stored = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    header = nib.Nifti1Header()
    header.set_data_shape(stored.shape)
    header.set_data_dtype(np.int16)
    header.set_sform(np.eye(4), 1)
    header["scl_slope"], header["scl_inter"], header["vox_offset"], header["magic"] = 0.5, -7, 352, b"n+1"
    (tmp_path / "in.nii").write_bytes(header.binaryblock + bytes(4) + stored.tobytes("F"))
    np.testing.assert_array_equal(read_volume(tmp_path / "in.nii").voxels.numpy(), stored * 0.5 - 7)


def test_the_same_voxels_give_the_same_bytes(tmp_path: Path) -> None:
    volume = read_volume(make(tmp_path / "in.nii.gz"))
    write_volume(volume, tmp_path / "a.nii.gz")
    write_volume(volume, tmp_path / "b.nii.gz")
    content = (tmp_path / "a.nii.gz").read_bytes()
    assert content == (tmp_path / "b.nii.gz").read_bytes()
    assert content[4:8] == bytes(4), "gzip writes no time"


@pytest.mark.parametrize(
    ("shape", "read"),
    [((5, 6), (5, 6, 1)), ((5, 6, 1), (5, 6, 1)), ((5, 6, 7, 1), (5, 6, 7)), ((5, 6, 7, 1, 1), (5, 6, 7))],
)
def test_axes_of_length_one(tmp_path: Path, shape: tuple[int, ...], read: tuple[int, ...]) -> None:
    values = numbers(*shape)
    volume = read_volume(make(tmp_path / "in.nii.gz", values))
    assert volume.shape == read
    np.testing.assert_array_equal(volume.voxels.numpy().ravel(), values.ravel())
    write_volume(volume, tmp_path / "out.nii.gz")
    assert nib.load(tmp_path / "out.nii.gz").shape == read


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]
)
def test_every_real_type_is_read_as_float32(tmp_path: Path, dtype: str) -> None:
    image = nib.Nifti1Image(np.arange(24).reshape(2, 3, 4).astype(dtype), np.eye(4), dtype=dtype)
    image.to_filename(tmp_path / "in.nii")
    voxels = read_volume(tmp_path / "in.nii").voxels
    assert voxels.dtype == torch.float32
    assert voxels.flatten().tolist() == list(range(24))


def spoilt(value: float) -> np.ndarray:
    voxels = numbers(4, 4, 4)
    voxels[1, 2, 3] = value
    return voxels


def without_codes(path: Path) -> None:
    make(path, codes=(0, 0))


def with_affine(affine: np.ndarray) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        image = nib.Nifti1Image(numbers(4, 4, 4), None)
        image.header["sform_code"] = 1
        image.header["srow_x"], image.header["srow_y"], image.header["srow_z"] = affine[:3]
        image.to_filename(path)

    return write


def of_kind(dtype: object) -> Callable[[Path], None]:
    return lambda path: nib.Nifti1Image(np.ones((4, 4, 4), dtype), np.eye(4)).to_filename(path)


def cut(path: Path) -> None:
    make(path)
    path.write_bytes(path.read_bytes()[:-100])


def damaged(path: Path) -> None:
    make(path)
    content = bytearray(path.read_bytes())
    content[-6] ^= 1  # in the checksum
    path.write_bytes(bytes(content))


def uncompressed(path: Path) -> None:
    path.write_bytes(make(path.with_name("plain.nii")).read_bytes())


RGB = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
SINGULAR = np.array([[1, 2, 0, 0], [2, 4, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])

BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "No such file"),
    "a folder": (lambda path: path.mkdir(), "directory"),
    "empty": (lambda path: path.write_bytes(b""), "not NIfTI"),
    "text": (lambda path: path.write_bytes(gzip.compress(b"hello" * 200)), "not NIfTI"),
    "DICOM": (lambda path: path.write_bytes(gzip.compress(bytes(128) + b"DICM" + bytes(600))), "dcm2niix"),
    "truncated": (cut, "truncated"),
    "checksum": (damaged, "damaged"),
    "no gzip": (uncompressed, "not compressed"),
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
    "no codes": (without_codes, "left and right are unknown"),
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
    (tmp_path / "t1.mgz").write_bytes(b"x")
    assert "convert" in one_line(tmp_path / "t1.mgz")


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make(tmp_path / "t1.nii")

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
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


def volume() -> Volume:
    return Volume(torch.from_numpy(numbers(8, 8, 8)), np.eye(4))


def test_an_existing_file_is_kept_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "t2.nii.gz"
    path.write_bytes(b"precious")
    message = one_line(path, lambda p: write_volume(volume(), p))
    assert "--overwrite" in message
    assert path.read_bytes() == b"precious"
    write_volume(volume(), path, overwrite=True)
    assert read_volume(path).shape == (8, 8, 8)


def test_the_folder_is_made_or_the_reason_given(tmp_path: Path) -> None:
    write_volume(volume(), tmp_path / "a" / "b" / "t2.nii.gz")
    assert (tmp_path / "a" / "b" / "t2.nii.gz").is_file()
    (tmp_path / "note").write_bytes(b"")
    assert "is a file" in one_line(tmp_path / "note" / "c" / "t2.nii.gz", lambda p: write_volume(volume(), p))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        assert "permissions" in one_line(tmp_path / "t2.nii.gz", lambda p: write_volume(volume(), p))
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("code", [errno.EACCES, errno.ENOSPC, errno.EROFS])
def test_what_the_system_refuses_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files.os, "fsync", refuse)
    path = tmp_path / "t2.nii.gz"
    path.write_bytes(b"old")
    message = one_line(path, lambda p: write_volume(volume(), p, overwrite=True))
    assert os.strerror(code) in message
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_fills_up_while_writing(tmp_path: Path) -> None:
    """A limit on the size of files stops the real write half way, as a full disk does."""
    path = tmp_path / "t2.nii"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        assert "too large" in one_line(path, lambda p: write_volume(volume(), p))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert not list(tmp_path.iterdir())


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_volume(volume(), tmp_path / "t2.nii.gz")
    assert not list(tmp_path.iterdir())


def test_a_long_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="79"):
        write_volume(volume(), tmp_path / "t2.nii.gz", description="x" * 80)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data")
def test_real_files() -> None:
    images = sorted(SHARED.glob("*_brain_1mm/*/T1c.nii.gz")) + sorted(SHARED.glob("*/sub-01/ses-1/raw/T1w.nii.gz"))
    assert len(images) == 4
    for path in images:
        image = nib.load(path)
        read = read_volume(path)
        np.testing.assert_array_equal(read.voxels.numpy(), image.get_fdata(dtype=np.float32))
        np.testing.assert_array_equal(read.affine, image.affine)
        np.testing.assert_allclose(read.spacing, image.header.get_zooms(), rtol=1e-5)
    assert "slicer" in one_line(SHARED / "prostate_dicom/ProstateX-0000/nifti/DWI.nii.gz")
