"""From a scanner's DICOM to DICOM series and maps of trust in the same place, in one command."""

import shutil

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_files import make_series, voxels
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app

WORDS = ("--prepare", "--dicom", "--accelerator", "cpu")


@pytest.fixture
def scans(tmp_path):
    """Write a series as a scanner does: a bright block in air, on oblique slices."""
    pixels = np.zeros((8, 20, 18), np.uint16)
    pixels[1:7, 3:17, 3:15] = voxels(shape=(6, 14, 12)) + 200
    make_series(tmp_path / "scans", 1, pixels=pixels, degrees=12.0, description="t1_mprage", EchoTime=3)
    return tmp_path / "scans"


def complete(run, scans, out, *more):
    return CliRunner().invoke(app, ["complete", str(run), "--data", str(scans), "--out", str(out), *more])


def image_of(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def test_series_lie_where_the_scan_lies_and_are_not_written_twice(tiny, scans, tmp_path):
    out = tmp_path / "out"
    result = complete(tiny / "run", scans, out, "--targets", "T2w", *WORDS)
    assert result.exit_code == 0, result.output
    folder = out / "dicom" / "sub-01" / "T2w"
    made, real = image_of(folder), image_of(scans)
    for of in ("GetSize", "GetSpacing", "GetDirection", "GetOrigin"):
        assert np.allclose(getattr(made, of)(), getattr(real, of)(), atol=1e-3), of
    one, source = (pydicom.dcmread(min(place.iterdir())) for place in (folder, scans))
    assert one.FrameOfReferenceUID == source.FrameOfReferenceUID
    assert "SYNTHETIC" in one.SeriesDescription
    nifti = nib.load(out / "sub-01/anat/sub-01_desc-synthetic_T2w.nii.gz").get_fdata()
    numbers = sitk.GetArrayFromImage(made)
    assert numbers.max() == pytest.approx(nifti.max(), rel=1e-3)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert complete(tiny / "run", scans, out, "--targets", "T2w", *WORDS).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    anew = complete(tiny / "run", scans, out, "--targets", "T2w", "--overwrite", *WORDS)
    assert (anew.exit_code, "no series is replaced" in anew.output) == (1, True)


def test_maps_of_trust_lie_there_too(tiny, scans, tmp_path):
    run, out = tmp_path / "run", tmp_path / "out"
    shutil.copytree(tiny / "run", run)
    anysyn.calibrate(run, split="all", accelerator="cpu")
    words = ["synthesize", str(run), "--study", str(scans), "--target", "T2w", "--out", str(out)]
    result = CliRunner().invoke(app, [*words, "--dicom", str(tmp_path / "dicom"), "--trust", "--accelerator", "cpu"])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "dicom" / "sub-01" / "T2w").is_dir()
    image, error = (nib.load(out / f"sub-01/anat/sub-01_desc-{kind}_T2w.nii.gz") for kind in ("synthetic", "error"))
    assert np.array_equal(image.affine, error.affine)
    assert error.get_fdata().max() > 0


def test_dicom_out_needs_dicom_in(tiny, tmp_path):
    refused = complete(tiny / "run", tiny / "cohort", tmp_path / "out", *WORDS)
    assert (refused.exit_code, "leave --dicom out" in refused.output) == (1, True)
    assert "--prepare" in complete(tiny / "run", tiny / "cohort", tmp_path / "out", "--dicom").output
