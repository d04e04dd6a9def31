"""An image in a page keeps its place to the bit and its voxels to a step of 16 bits."""

import base64
import gzip

import nibabel as nib
import numpy as np
import pytest
import torch

from anysyn.data.errors import VolumeError
from anysyn.data.volumes.volume import Volume
from anysyn.viewer.embedded import LEVELS, embedded, shrink

AFFINE = np.array([[-0.9, 0.1, 0, 30], [0.1, 1.1, 0.2, -20], [0, 0, 3.3, 10], [0, 0, 0, 1.0]])


def decoded(text):
    return nib.Nifti1Image.from_bytes(gzip.decompress(base64.b64decode(text)))


def test_voxels_and_place_come_back(tmp_path):
    voxels = np.random.default_rng(0).gamma(2, 300, (9, 8, 7)).astype(np.float32)
    nib.Nifti1Image(voxels, AFFINE).to_filename(tmp_path / "a.nii.gz")
    shown = embedded(tmp_path / "a.nii.gz")
    image = decoded(shown.text)
    assert np.abs(image.get_fdata() - voxels).max() <= np.ptp(voxels) / LEVELS
    np.testing.assert_allclose(image.affine, nib.load(tmp_path / "a.nii.gz").affine, atol=1e-5)
    assert (shown.low, shown.high) == pytest.approx(tuple(np.percentile(voxels, [1, 99.5])))
    assert shown.note == ""


def test_an_empty_map_is_shown_and_a_broken_file_refused(tmp_path):
    nib.Nifti1Image(np.zeros((4, 5, 6), np.float32), AFFINE).to_filename(tmp_path / "zero.nii.gz")
    assert not decoded(embedded(tmp_path / "zero.nii.gz").text).get_fdata().any()
    (tmp_path / "broken.nii.gz").write_bytes(b"no image")
    with pytest.raises(VolumeError):
        embedded(tmp_path / "broken.nii.gz")


def test_a_shrunk_image_has_its_centre_of_mass_where_it_was():
    voxels = torch.zeros(12, 12, 12)
    voxels[3:9, 2:5, 6:12] = 5.0
    small, factor = shrink(Volume(voxels, AFFINE), most=64)
    assert factor == 3
    assert small.voxels.sum() * factor**3 == pytest.approx(float(voxels.sum()))

    def centre(volume):
        weights = volume.voxels.numpy() / volume.voxels.sum().item()
        index = [float((weights * grid).sum()) for grid in np.indices(weights.shape)]
        return (volume.affine @ [*index, 1])[:3]

    np.testing.assert_allclose(centre(small), centre(Volume(voxels, AFFINE)), atol=1e-4)
