"""Headers as scanners, converters and other programs leave them: what is sound is used, and all is written whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from nifti_files import make, numbers, one_line, turned

from anysyn.data.volumes.volume import Volume, read_volume, write_volume

GOOD = turned(10, -20, 30)


def changed(
    path: Path,
    change: Callable[[nib.Nifti1Header], object],
    codes: tuple[int, int] = (1, 1),
    affine: np.ndarray = GOOD,
) -> Path:
    """Write an image and change its header behind nibabel's back, which would mend or refuse it."""
    make(path, affine=affine, codes=codes)
    content = path.read_bytes()
    header = nib.Nifti1Header(content[:348], check=False)
    change(header)
    path.write_bytes(header.binaryblock + content[348:])
    return path


def spoil_sform(value: float) -> Callable[[nib.Nifti1Header], None]:
    def change(header: nib.Nifti1Header) -> None:
        header["sform_code"] = 4
        for row in ("srow_x", "srow_y", "srow_z"):
            header[row] = value

    return change


def spoil_qform(name: str, value: float) -> Callable[[nib.Nifti1Header], None]:
    def change(header: nib.Nifti1Header) -> None:
        header["qform_code"] = 2
        if name == "pixdim":
            header["pixdim"][1:4] = value
        else:
            header[name] = value

    return change


def written(volume: Volume, path: Path) -> nib.Nifti1Header:
    write_volume(volume, path)
    return nib.load(path).header


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, 3e38], ids=str)
def test_a_good_qform_beside_a_bad_sform_is_used_and_both_are_written(tmp_path: Path, value: float) -> None:
    volume = read_volume(changed(tmp_path / "in.nii", spoil_sform(value)))
    np.testing.assert_allclose(volume.affine, GOOD, atol=1e-5)
    header = written(volume, tmp_path / "out.nii")
    np.testing.assert_allclose(header.get_sform(), GOOD, atol=1e-5)
    np.testing.assert_allclose(header.get_qform(), GOOD, atol=1e-5)
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1), "the world is that of the good form"


@pytest.mark.parametrize(
    ("name", "value"),
    [("quatern_b", np.nan), ("quatern_c", 3.0), ("qoffset_x", np.nan), ("pixdim", 0.0), ("pixdim", np.nan)],
)
def test_a_good_sform_beside_a_bad_qform_is_used_and_both_are_written(tmp_path: Path, name: str, value: float) -> None:
    volume = read_volume(changed(tmp_path / "in.nii", spoil_qform(name, value)))
    np.testing.assert_allclose(volume.affine, GOOD, atol=1e-5)
    header = written(volume, tmp_path / "out.nii")
    np.testing.assert_allclose(header.get_qform(), GOOD, atol=1e-4)
    np.testing.assert_allclose(header.get_zooms(), (0.9, 1.1, 3.3), rtol=1e-5)
    assert int(header["qform_code"]) == 1


@pytest.mark.parametrize("codes", [(0, 1), (1, 0)])
def test_nan_in_the_unused_form_is_no_matter(tmp_path: Path, codes: tuple[int, int]) -> None:
    names = ("srow_x", "srow_y", "srow_z") if codes[0] else ("quatern_b", "quatern_d", "qoffset_x", "qoffset_z")

    def change(header: nib.Nifti1Header) -> None:
        for name in names:
            header[name] = np.nan

    volume = read_volume(changed(tmp_path / "in.nii", change, codes))
    np.testing.assert_allclose(volume.affine, GOOD, atol=1e-5)
    header = written(volume, tmp_path / "out.nii")
    assert all(np.isfinite(header[name]).all() for name in names)
    np.testing.assert_array_equal(header.get_best_affine(), nib.load(tmp_path / "in.nii").affine)


@pytest.mark.parametrize("field", ["scl_slope", "cal_max", "cal_min", "slice_duration", "toffset", "pixdim"])
def test_nan_in_other_unused_numbers_is_no_matter(tmp_path: Path, field: str) -> None:
    def change(header: nib.Nifti1Header) -> None:
        header[field] = np.nan if header[field].ndim == 0 else [*header[field][:4], *[np.nan] * 4]

    volume = read_volume(changed(tmp_path / "in.nii", change))
    np.testing.assert_array_equal(volume.voxels.numpy(), numbers(5, 6, 7))
    assert np.isfinite(written(volume, tmp_path / "out.nii")["pixdim"]).all()


def test_nan_voxel_sizes_beside_a_good_sform_alone_are_replaced(tmp_path: Path) -> None:
    volume = read_volume(changed(tmp_path / "in.nii", lambda header: header["pixdim"].fill(np.nan), (0, 2)))
    np.testing.assert_allclose(volume.spacing, (0.9, 1.1, 3.3), rtol=1e-5)
    np.testing.assert_allclose(written(volume, tmp_path / "out.nii").get_zooms(), (0.9, 1.1, 3.3), rtol=1e-5)


@pytest.mark.parametrize("excess", [1e-6, 1e-5, 4e-4])
def test_a_quaternion_too_long_by_rounding_is_that_of_itk(tmp_path: Path, excess: float) -> None:
    half_turn = np.array([0.6, 0.0, 0.8]) * np.sqrt(1 + excess)

    def change(header: nib.Nifti1Header) -> None:
        header["quatern_b"], header["quatern_c"], header["quatern_d"] = half_turn
        header["srow_x"] = header["srow_y"] = header["srow_z"] = 0

    path = changed(tmp_path / "in.nii", change, (1, 0))
    with pytest.raises(ValueError, match="w2 should be positive"):
        nib.load(path)
    volume = read_volume(path)
    image = sitk.ReadImage(str(path))
    directions = np.diag([-1, -1, 1]) @ np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    np.testing.assert_allclose(volume.affine[:3, :3], directions, atol=1e-5)
    np.testing.assert_allclose(volume.affine[:3, 3], np.diag([-1, -1, 1]) @ image.GetOrigin(), rtol=1e-6)
    np.testing.assert_allclose(written(volume, tmp_path / "out.nii").get_qform(), volume.affine, atol=1e-5)


def test_a_quaternion_beyond_rounding_is_no_place(tmp_path: Path) -> None:
    def change(header: nib.Nifti1Header) -> None:
        header["quatern_b"] = 1.2

    assert "not invertible" in one_line(changed(tmp_path / "in.nii", change, (1, 0)))


@pytest.mark.parametrize("qfac", [0.0, 7.0, np.nan])
def test_an_unset_handedness_is_the_usual_one(tmp_path: Path, qfac: float) -> None:
    def change(header: nib.Nifti1Header) -> None:
        header["pixdim"][0] = qfac

    volume = read_volume(changed(tmp_path / "in.nii", change, (1, 0)))
    np.testing.assert_allclose(volume.affine, GOOD, atol=1e-5)


@pytest.mark.parametrize(("unit", "factor"), [("meter", 1e3), ("micron", 1e-3)])
@pytest.mark.parametrize("codes", [(1, 1), (1, 0), (0, 1)])
def test_metres_and_micrometres_are_read_in_mm_and_written_as_they_came(
    tmp_path: Path, unit: str, factor: float, codes: tuple[int, int]
) -> None:
    own = np.diag([1 / factor] * 3 + [1.0]) @ GOOD
    changed(tmp_path / "in.nii", lambda header: header.set_xyzt_units(unit, "sec"), codes, own)
    volume = read_volume(tmp_path / "in.nii")
    np.testing.assert_allclose(volume.affine, GOOD, atol=1e-4)
    np.testing.assert_allclose(volume.spacing, (0.9, 1.1, 3.3), rtol=1e-5)
    after, before = written(volume, tmp_path / "out.nii"), nib.load(tmp_path / "in.nii").header
    for name in ("xyzt_units", "srow_x", "quatern_b", "qoffset_x"):
        np.testing.assert_array_equal(after[name], before[name])
    halved = volume.affine @ np.diag([0.5, 0.5, 0.5, 1.0])
    finer = written(Volume(volume.voxels, halved, volume.header), tmp_path / "finer.nii")
    assert finer.get_xyzt_units()[0] == unit
    np.testing.assert_allclose(read_volume(tmp_path / "finer.nii").affine, halved, atol=1e-4)


def test_metres_written_by_mistake_are_refused_with_the_unit(tmp_path: Path) -> None:
    path = changed(tmp_path / "in.nii", lambda header: header.set_xyzt_units("meter"))
    assert "900x1100x3300 mm (its header is in metres)" in one_line(path)


@pytest.mark.parametrize(
    ("affine", "expected"),
    [
        (np.diag([1e9, 1, 1, 1]), "1e\\+09x1x1 mm"),
        (np.diag([1, 1, 1e-6, 1]), "1x1x1e-06 mm"),
        (np.array([[1, 0, 0, 1e9], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "lies 1e\\+09 mm from the origin"),
        (np.array([[1, 1, 0, 0], [0, 1e-3, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "not invertible"),
    ],
)
def test_a_place_that_no_scanner_makes_is_refused(tmp_path: Path, affine: np.ndarray, expected: str) -> None:
    image = nib.Nifti1Image(numbers(4, 4, 4), None)
    image.header.set_sform(affine, 1)
    image.to_filename(tmp_path / "in.nii")
    with pytest.raises(ValueError, match=expected):
        read_volume(tmp_path / "in.nii")


def test_both_forms_bad_is_no_place(tmp_path: Path) -> None:
    def change(header: nib.Nifti1Header) -> None:
        spoil_sform(np.nan)(header)
        spoil_qform("quatern_b", np.nan)(header)

    assert "not invertible" in one_line(changed(tmp_path / "in.nii", change))


def test_a_code_that_nifti_does_not_define_is_no_place(tmp_path: Path) -> None:
    def change(header: nib.Nifti1Header) -> None:
        header["sform_code"] = 331

    volume = read_volume(changed(tmp_path / "in.nii", change))
    assert int(written(volume, tmp_path / "out.nii")["sform_code"]) == 0
    assert "left and right are unknown" in one_line(changed(tmp_path / "in.nii", change, (0, 0)))
