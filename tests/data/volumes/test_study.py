from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import torch

from anysyn.acquisition import Acquisition
from anysyn.data.errors import VolumeError
from anysyn.data.records import Subject
from anysyn.data.volumes.study import read_study, study_of
from anysyn.data.volumes.volume import Volume

GRID = np.diag([-1.0, 1.0, 2.0, 1.0])


def write(path, affine=GRID, shape=(8, 9, 7), seed=0):
    voxels = np.zeros(shape, np.float32)
    voxels[2:-2, 2:-2, 2:-2] = 100 + 50 * np.random.default_rng(seed).random([n - 4 for n in shape], np.float32)
    nib.save(nib.Nifti1Image(voxels, affine), path)
    return voxels


def subject(folder, *names):
    images = {name: folder / f"{name}.nii.gz" for name in names}
    return Subject("sub-01", "site", images, {"T1w": Acquisition(modality="T1w", echo_time_ms=3.0)}, {})


def test_a_subject_is_read_with_what_is_known_of_it(tmp_path):
    voxels = {name: write(tmp_path / f"{name}.nii.gz", seed=i) for i, name in enumerate(("T1w", "T2w"))}
    study = read_study(subject(tmp_path, "T1w", "T2w"))
    assert (study.key, study.dataset, list(study.images)) == ("sub-01", "site", ["T1w", "T2w"])
    for name, expected in voxels.items():
        np.testing.assert_array_equal(study.images[name].numpy(), expected)
        np.testing.assert_array_equal(study.foreground.numpy(), expected > 0)
    np.testing.assert_array_equal(study.affine, GRID)
    assert study.acquisitions == {
        "T1w": Acquisition(modality="T1w", echo_time_ms=3.0),
        "T2w": Acquisition(modality="T2w"),
    }
    assert study.header is not None


def test_only_what_is_asked_for_is_read(tmp_path):
    write(tmp_path / "T1w.nii.gz")
    (tmp_path / "CT.nii.gz").write_bytes(b"broken")
    study = read_study(subject(tmp_path, "T1w", "CT"), modalities=["FLAIR", "t1"])
    assert list(study.images) == ["T1w"]


def test_a_subject_with_none_of_the_modalities_says_what_it_has(tmp_path):
    write(tmp_path / "T1w.nii.gz")
    with pytest.raises(VolumeError, match=r"sub-01: has none of T2w, FLAIR, only T1w"):
        read_study(subject(tmp_path, "T1w"), modalities=["T2w", "FLAIR"])


@pytest.mark.parametrize(
    ("affine", "shape"),
    [(GRID, (8, 9, 8)), (np.diag([1.0, 1.0, 2.0, 1.0]), (8, 9, 7)), (GRID + np.eye(4, k=3) * 0.01, (8, 9, 7))],
)
def test_different_grids_name_both_files_and_the_remedy(tmp_path, affine, shape):
    write(tmp_path / "T2w.nii.gz")
    write(tmp_path / "T1w.nii.gz", affine, shape)
    with pytest.raises(VolumeError) as caught:
        read_study(subject(tmp_path, "T2w", "T1w"))
    message = str(caught.value)
    for words in ("T1w.nii.gz", "T2w.nii.gz", "--resample-to T1w", "data.resample_to=T1w"):
        assert words in message
    assert "\n" not in message


def test_grids_that_only_float32_tells_apart_are_one(tmp_path):
    write(tmp_path / "T2w.nii.gz")
    write(tmp_path / "T1w.nii.gz", GRID + 1e-5)
    assert list(read_study(subject(tmp_path, "T2w", "T1w")).images) == ["T2w", "T1w"]


def test_resampling_brings_all_onto_the_grid_of_one(tmp_path):
    write(tmp_path / "T1w.nii.gz")
    finer = GRID @ np.diag([0.5, 0.5, 0.5, 1.0])
    expected = write(tmp_path / "T2w.nii.gz", finer, (15, 17, 13))
    study = read_study(subject(tmp_path, "T2w", "T1w"), resample_to="T1")
    assert study.grid.shape == (8, 9, 7)
    np.testing.assert_array_equal(study.affine, GRID)
    assert float(study.images["T2w"].mean()) == pytest.approx(float(expected.mean()), rel=0.2)
    onto_t2 = read_study(subject(tmp_path, "T2w", "T1w"), resample_to="T2w")
    np.testing.assert_array_equal(onto_t2.images["T2w"].numpy(), expected)
    np.testing.assert_allclose(onto_t2.header.affine, finer)


def test_resampling_onto_what_a_subject_lacks(tmp_path):
    write(tmp_path / "T2w.nii.gz")
    write(tmp_path / "FLAIR.nii.gz", shape=(8, 9, 8))
    with pytest.raises(VolumeError, match=r"cannot resample to T1w, which it lacks.*FLAIR, T2w"):
        read_study(subject(tmp_path, "T2w", "FLAIR"), resample_to="T1w")
    write(tmp_path / "FLAIR.nii.gz")
    assert read_study(subject(tmp_path, "T2w", "FLAIR"), resample_to="T1w").grid.shape == (8, 9, 7)


def test_images_that_do_not_meet_are_an_error(tmp_path):
    write(tmp_path / "T1w.nii.gz")
    write(tmp_path / "T2w.nii.gz", GRID + np.eye(4, k=3) * 500)
    with pytest.raises(VolumeError, match=r"T2w.*on the grid of T1w.*every voxel is 0"):
        read_study(subject(tmp_path, "T1w", "T2w"), resample_to="T1w")


def test_air_is_what_resampling_fills_with():
    ct = torch.full((4, 4, 4), -1000.0)
    ct[1:3, 1:3, 1:3] = 40.0 + torch.rand(2, 2, 2)
    wide = Volume(torch.rand(12, 4, 4), np.eye(4))
    study = study_of({"CT": Volume(ct, np.eye(4)), "T1w": wide}, resample_to="T1w")
    assert (study.images["CT"][6:] == -1000).all()


@pytest.mark.parametrize(
    ("value", "message"), [(float("nan"), "NaN"), (float("inf"), "NaN"), (7.0, "every voxel is 7")]
)
def test_volumes_in_memory_are_checked_too(value, message):
    odd = Volume(torch.full((3, 3, 3), value), np.eye(4))
    with pytest.raises(VolumeError, match=rf"input: T1w \(in memory\).*{message}"):
        study_of({"T1w": odd})


def test_real_scans_on_different_grids(shared):
    pair = subject(shared / "ms_head_thick_slices" / "sub-01" / "ses-1" / "raw", "T1w", "T2w")
    with pytest.raises(VolumeError, match=r"320x320x39 voxels of 0\.719x0\.719x3 mm.*--resample-to T1w"):
        read_study(pair)
    study = read_study(pair, resample_to="T1w")
    both = torch.stack(list(study.images.values()))[:, study.foreground]
    assert torch.corrcoef(both)[0, 1] > 0.2  # registered or not, the same head
