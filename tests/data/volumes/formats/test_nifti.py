from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from nifti_files import make, numbers, turned

from anysyn.data.volumes.volume import Volume, read_volume, write_volume

GEOMETRY = ("qform_code", "sform_code", "srow_x", "srow_y", "srow_z", "xyzt_units", "dim_info")
GEOMETRY += ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z")


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
    assert (written.get_data_dtype(), written.dataobj.slope, written.dataobj.inter) == (np.float32, 1, 0)
    assert written.header["cal_max"] == written.header["slice_duration"] == 0
    np.testing.assert_array_equal(written.get_fdata(), image.get_fdata())


def test_slope_and_intercept_are_applied(tmp_path: Path) -> None:
    stored = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    image = nib.Nifti1Image(stored, np.eye(4))
    image.header.set_slope_inter(0.5, -7)
    image.to_filename(tmp_path / "in.nii")
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
