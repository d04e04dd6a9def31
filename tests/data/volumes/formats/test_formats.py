"""All formats alike: found by their endings, read and written by one pair of functions."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import torch
from itk_files import same_place
from nifti_files import numbers, one_line, turned

from anysyn.data.subjects.find import find_subjects
from anysyn.data.volumes.formats import FORMATS, SUFFIXES, read_header, sidecar_path, stem, volumes_in
from anysyn.data.volumes.volume import Volume, read_mask, read_volume, write_volume

WRITTEN = [suffix for form in FORMATS for suffix in form.written]
AFFINE = turned(10, -20, 30, mirrored=True)


@pytest.mark.parametrize(("one", "other"), itertools.permutations(WRITTEN, 2))
def test_every_format_is_written_from_every_other(tmp_path: Path, one: str, other: str) -> None:
    voxels = numbers(5, 6, 7)
    write_volume(Volume(torch.from_numpy(voxels), AFFINE), tmp_path / f"a{one}")
    write_volume(read_volume(tmp_path / f"a{one}"), tmp_path / f"b{other}")
    volume = read_volume(tmp_path / f"b{other}")
    np.testing.assert_array_equal(volume.voxels.numpy(), voxels)
    np.testing.assert_allclose(volume.affine, AFFINE, atol=3e-5)
    assert read_header(tmp_path / f"b{other}").shape == (5, 6, 7)
    assert read_header(tmp_path / f"b{other}").spacing == pytest.approx((0.9, 1.1, 3.3), abs=1e-4)


@pytest.mark.parametrize("suffix", WRITTEN)
def test_the_same_voxels_give_the_same_bytes_and_no_part_is_left(tmp_path: Path, suffix: str) -> None:
    volume = Volume(torch.from_numpy(numbers(5, 6, 7)), AFFINE)
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        write_volume(volume, path, description="synthetic, not for clinical use")
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert sorted(tmp_path.iterdir()) == paths
    with pytest.raises(ValueError, match="--overwrite"):
        write_volume(volume, paths[0])


@pytest.mark.parametrize("suffix", WRITTEN)
def test_another_grid_is_written_where_it_is(tmp_path: Path, suffix: str) -> None:
    write_volume(Volume(torch.from_numpy(numbers(5, 6, 7)), AFFINE), tmp_path / f"a{suffix}")
    source = read_volume(tmp_path / f"a{suffix}")
    finer = source.affine @ np.diag([0.5, 0.5, 0.5, 1.0])
    write_volume(Volume(torch.from_numpy(numbers(10, 12, 14)), finer, source.header), tmp_path / f"b{suffix}")
    np.testing.assert_allclose(read_volume(tmp_path / f"b{suffix}").affine, finer, atol=3e-5)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("spelt", [str.lower, str.upper])
def test_names_without_their_ending(suffix: str, spelt: object) -> None:
    path = Path("in") / f"sub-01_T1w.v2{spelt(suffix)}"  # type: ignore[operator]
    assert stem(path) == "sub-01_T1w.v2"
    assert sidecar_path(path) == Path("in/sub-01_T1w.v2.json")


@pytest.mark.parametrize("suffix", WRITTEN)
def test_an_ending_in_upper_case_is_read_and_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"T1{suffix.upper()}"
    write_volume(Volume(torch.from_numpy(numbers(3, 4, 5)), np.eye(4)), path)
    assert read_volume(path).shape == (3, 4, 5)
    assert not read_mask(path).voxels.logical_not().any()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_missing_empty_or_a_folder_is_one_line(tmp_path: Path, suffix: str) -> None:
    assert "No such file" in one_line(tmp_path / f"none{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    assert "directory" in one_line(tmp_path / f"folder{suffix}")
    (tmp_path / f"empty{suffix}").write_bytes(b"")
    one_line(tmp_path / f"empty{suffix}")


def test_folders_are_searched_for_every_format(tmp_path: Path) -> None:
    for n, suffix in enumerate(WRITTEN):
        path = tmp_path / "cohort" / f"p{n}" / f"T1w{suffix}"
        write_volume(Volume(torch.from_numpy(numbers(3, 4, 5)), np.eye(4)), path)
        sidecar_path(path).write_text('{"EchoTime": 0.003}')
    found = find_subjects(tmp_path / "cohort")
    assert [subject.images["T1w"].name for subject in found.subjects] == [f"T1w{suffix}" for suffix in WRITTEN]
    assert {subject.acquisitions["T1w"].echo_time_ms for subject in found.subjects} == {3.0}


def test_the_volumes_of_a_folder(tmp_path: Path) -> None:
    for name in ("b.mha", "a.nii.gz", ".hidden.nii", "t1.json", "c.nii.zst", "below/d.mgz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in volumes_in(tmp_path)] == ["a.nii.gz", "b.mha", "c.nii.zst"]
    assert not list(volumes_in(tmp_path / "none"))


def test_reading_a_header_takes_little_time_and_one_file_handle(tmp_path: Path) -> None:
    for suffix in WRITTEN:
        write_volume(Volume(torch.from_numpy(numbers(60, 60, 60)), np.eye(4)), tmp_path / f"a{suffix}")
        before = len(os.listdir("/proc/self/fd"))
        start = time.perf_counter()
        for _ in range(20):
            read_header(tmp_path / f"a{suffix}")
        assert time.perf_counter() - start < 1
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("ending", ["mha", "nrrd", "mgz"])
@pytest.mark.parametrize(
    "place", ["ms_brain_1mm/sub-07/T1w.nii.gz", "ms_head_thick_slices/sub-01/ses-1/raw/T2w.nii.gz"]
)
def test_a_real_scan_in_every_format_is_the_same_image(shared: Path, tmp_path: Path, place: str, ending: str) -> None:
    """The other file is written by ITK or nibabel, and read by them when it is written back."""
    real, other, back = shared / place, tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    if ending == "mgz":
        image = nib.load(real)
        nib.MGHImage(image.get_fdata(dtype=np.float32), image.affine).to_filename(other)
    else:
        sitk.WriteImage(sitk.ReadImage(str(real), sitk.sitkFloat32), str(other), True)
    before, after = read_volume(real), read_volume(other)
    np.testing.assert_array_equal(before.voxels.numpy(), after.voxels.numpy())
    np.testing.assert_allclose(after.affine, before.affine, atol=1e-4)
    write_volume(after, back)
    if ending == "mgz":
        np.testing.assert_array_equal(nib.load(back).affine, nib.load(other).affine)
    else:
        same_place(sitk.ReadImage(str(other)), sitk.ReadImage(str(back)))
