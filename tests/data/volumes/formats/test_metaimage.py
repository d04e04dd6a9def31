"""MetaImage, compared with ITK, which reads and writes it independently."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from itk_files import ROUNDED, TYPES, affine_of, itk_image, same_place
from nifti_files import make, numbers, one_line, turned

from anysyn.data.volumes.formats import files_of
from anysyn.data.volumes.volume import Volume, read_volume, write_volume

PLACES = [turned(0, 0, 0), turned(10, -20, 30), turned(33, 5, -71, mirrored=True)]


@pytest.mark.parametrize("ending", ["mha", "mhd"])
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
    write_volume(Volume(torch.from_numpy(voxels), affine), tmp_path / "out.mha", description="synthetic")
    image = sitk.ReadImage(str(tmp_path / "out.mha"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image).transpose(2, 1, 0), voxels)
    np.testing.assert_allclose(affine_of(image), affine, atol=1e-12)
    assert b"Comment = synthetic\n" in (tmp_path / "out.mha").read_bytes()


@pytest.mark.parametrize("affine", PLACES)
def test_the_place_comes_back_to_the_bit(tmp_path: Path, affine: np.ndarray) -> None:
    sitk.WriteImage(itk_image(ROUNDED.astype("int16"), affine), str(tmp_path / "in.mha"))
    write_volume(read_volume(tmp_path / "in.mha"), tmp_path / "out.mha")
    same_place(sitk.ReadImage(str(tmp_path / "in.mha")), sitk.ReadImage(str(tmp_path / "out.mha")))


@pytest.mark.parametrize("affine", PLACES)
def test_to_nifti_and_back_as_itk_converts(tmp_path: Path, affine: np.ndarray) -> None:
    write_volume(read_volume(make(tmp_path / "in.nii.gz", affine=affine)), tmp_path / "t1.mha")
    write_volume(read_volume(tmp_path / "t1.mha"), tmp_path / "back.nii.gz")
    before, after = (sitk.ReadImage(str(tmp_path / name)) for name in ("in.nii.gz", "t1.mha"))
    np.testing.assert_allclose(affine_of(before), affine_of(after), atol=1e-5)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(before), sitk.GetArrayFromImage(after))
    np.testing.assert_allclose(read_volume(tmp_path / "back.nii.gz").affine, affine, atol=1e-5)


def test_micrometres_are_converted_and_kept(tmp_path: Path) -> None:
    sitk.WriteImage(
        itk_image(ROUNDED.astype("int16"), turned(0, 0, 0, zooms=(900, 1100, 3300))), str(tmp_path / "a.mha")
    )
    content = (tmp_path / "a.mha").read_bytes().replace(b"ElementSpacing", b"DistanceUnits = um\nElementSpacing")
    (tmp_path / "a.mha").write_bytes(content)
    volume = read_volume(tmp_path / "a.mha")
    np.testing.assert_allclose(volume.spacing, (0.9, 1.1, 3.3))
    write_volume(volume, tmp_path / "b.mha")
    assert b"DistanceUnits = um\n" in (tmp_path / "b.mha").read_bytes()
    np.testing.assert_array_equal(read_volume(tmp_path / "b.mha").affine, volume.affine)


def text(**changed: str | None) -> bytes:
    lines = {
        **{"ObjectType": "Image", "NDims": "3", "BinaryData": "True", "TransformMatrix": "1 0 0 0 1 0 0 0 1"},
        **{"Offset": "0 0 0", "ElementSpacing": "1 1 1", "DimSize": "4 4 4", "ElementType": "MET_UCHAR"},
        **changed,
        **{"ElementDataFile": changed.get("ElementDataFile", "LOCAL")},
    }
    order = [key for key in lines if key != "ElementDataFile"] + ["ElementDataFile"]
    return "".join(f"{key} = {lines[key]}\n" for key in order if lines[key] is not None).encode()


VOXELS = bytes(range(64))
PACKED = zlib.compress(VOXELS)

BAD = {
    "empty": (b"", "no MetaImage"),
    "other text": (b"hello\n" * 20, "no MetaImage"),
    "cut header": (text()[:60], "no MetaImage|cut off"),
    "short": (text() + VOXELS[:-1], "promises 64 bytes and there are 63"),
    "short, compressed": (text(CompressedData="True") + PACKED[:-12], "truncated"),
    "damaged, compressed": (text(CompressedData="True") + PACKED[:-1] + b"?", "damaged"),
    "long": (text() + VOXELS + bytes(3 << 20), "far more"),
    "a bomb": (text(DimSize="40000 40000 40000", CompressedData="True") + PACKED, "can be unpacked to"),
    "two volumes": (text(NDims="4", DimSize="4 4 4 2") + VOXELS, "2 volumes"),
    "no offset": (text(Offset=None) + VOXELS, "no Offset"),
    "twice": (text().replace(b"DimSize", b"Offset = 9 9 9\nDimSize") + VOXELS, "Offset twice"),
    "channels": (text(ElementNumberOfChannels="3") + VOXELS, "3 channels"),
    "no voxels": (text(DimSize="4 0 4"), "no voxels"),
    "negative": (text(DimSize="4 -4 4"), "no voxels"),
    "text voxels": (text(BinaryData="False") + VOXELS, "voxels as text"),
    "type": (text(ElementType="MET_OTHER") + VOXELS, "'MET_OTHER'"),
    "no type": (text(ElementType=None) + VOXELS, "damaged MetaImage header"),
    "no turn": (text(TransformMatrix=None) + VOXELS, "left and right are unknown"),
    "flat turn": (text(TransformMatrix="1 0 0 1 0 0 0 0 1") + VOXELS, "not invertible"),
    "NaN turn": (text(TransformMatrix="nan 0 0 0 1 0 0 0 1") + VOXELS, "not invertible"),
    "no spacing": (text(ElementSpacing=None) + VOXELS, "no ElementSpacing"),
    "spacing": (text(ElementSpacing="1e9 1 1") + VOXELS, r"1e\+09x1x1 mm"),
    "slope": (text(ElementToIntensityFunctionSlope="2") + VOXELS, "Slope = 2"),
    "unit": (text(DistanceUnits="mile") + VOXELS, "'mile'"),
    "axes": (text(NDims="1000000000") + VOXELS, "NDims is 1000000000"),
    "digits": (text(DimSize="4 4 " + "9" * 5000) + VOXELS, "beyond any image"),
    "elsewhere": (text(ElementDataFile="../../etc/passwd"), "not in its folder"),
    "absolute": (text(ElementDataFile="/dev/zero"), "not in its folder"),
    "not there": (text(ElementDataFile="none.raw"), "No such file"),
    "list": (text(ElementDataFile="LIST"), "several files"),
    "pattern": (text(ElementDataFile="s%03d.raw 1 9 1"), "several files"),
}


@pytest.mark.parametrize(("content", "expected"), BAD.values(), ids=BAD)
def test_bad_files_get_one_line_with_the_file_and_the_remedy(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "bad.mha").write_bytes(content)
    message = one_line(tmp_path / "bad.mha")
    assert re.search(expected, message), message


def test_the_plain_file_of_these_tests_is_good(tmp_path: Path) -> None:
    (tmp_path / "a.mha").write_bytes(text() + VOXELS)
    assert read_volume(tmp_path / "a.mha").voxels.permute(2, 1, 0).flatten().tolist() == list(range(64))


def test_voxels_beside_a_header_are_part_of_the_image(tmp_path: Path) -> None:
    (tmp_path / "a.mhd").write_bytes(text(ElementDataFile="a.raw"))
    (tmp_path / "a.raw").write_bytes(VOXELS)
    assert files_of(tmp_path / "a.mhd") == (tmp_path / "a.mhd", tmp_path / "a.raw")
    assert files_of(tmp_path / "a.nii") == (tmp_path / "a.nii",)


def test_two_files_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"written as one file; let its name end in \.mha"):
        write_volume(Volume(torch.rand(3, 3, 3), np.eye(4)), tmp_path / "out.mhd")
