"""A run, an array and the answer of the file for it, which the tests of this folder share."""

import nibabel as nib
import numpy as np
import pytest

import anysyn

AFFINE = np.diag([2.0, 2, 3, 1])
AFFINE[:3, 3] = [-20.0, -24, 7]


@pytest.fixture(scope="module")
def run(tiny):
    return anysyn.load(tiny / "run", accelerator="cpu")


@pytest.fixture(scope="module")
def t1(tiny):
    return nib.load(tiny / "cohort" / "sub-00" / "T1w.nii.gz").get_fdata(dtype=np.float32)


@pytest.fixture(scope="module")
def known(run, t1, tmp_path_factory):
    """The answer by way of files, float32."""
    folder = tmp_path_factory.mktemp("files")
    nib.Nifti1Image(t1, AFFINE).to_filename(folder / "t1.nii.gz")
    anysyn.synthesize(run.loaded, sources={"T1w": folder / "t1.nii.gz"}, targets=["T2w"], out=folder / "t2.nii.gz")
    return np.asarray(nib.load(folder / "t2.nii.gz").dataobj)
