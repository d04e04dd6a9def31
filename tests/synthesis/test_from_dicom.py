import json

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_files import make_series, voxels
from typer.testing import CliRunner

from anysyn.cli import app
from anysyn.data.volumes.volume import read_volume


def synthesize(run, source, out, *more):
    words = ["synthesize", str(run), "--source", source, "--target", "T2w", "--out", str(out), "--accelerator", "cpu"]
    return CliRunner().invoke(app, [*words, *map(str, more)])


@pytest.fixture
def scans(tmp_path):
    """Write a series as a scanner does, beside one to plan with."""
    pixels = voxels(shape=(6, 16, 16))
    make_series(tmp_path / "scans", 1, pixels=pixels, degrees=12.0, description="t1_mprage", EchoTime=3)
    make_series(tmp_path / "scans", 2, description="localizer", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    return tmp_path / "scans"


def test_from_dicom_to_nifti_and_dicom_in_one_command(tiny, scans, tmp_path):
    out, dicom = tmp_path / "t2.nii.gz", tmp_path / "dicom"
    result = synthesize(tiny / "run", f"T1w={scans}", out, "--dicom", dicom)
    assert result.exit_code == 0, result.output
    assert "localizer" in result.output
    record = json.loads((tmp_path / "t2.json").read_text())
    assert record["Synthetic"] is True
    about = {key: record["AcquisitionAskedFor"].get(key) for key in ("age_years", "sex", "field_strength_t")}
    assert about == {"age_years": 50.0, "sex": "F", "field_strength_t": 3.0}, "of the tags of the DICOM"
    reader = sitk.ImageSeriesReader()
    images = []
    for folder in (dicom / "T2w", scans):
        own = pydicom.dcmread(next(iter(sorted(scans.iterdir())))).SeriesInstanceUID if folder == scans else ""
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), str(own)))
        images.append(reader.Execute())
    made, real = images
    for of in ("GetSize", "GetSpacing", "GetDirection", "GetOrigin"):
        assert np.allclose(getattr(made, of)(), getattr(real, of)(), atol=1e-4), of
    answer = read_volume(out).voxels
    numbers = sitk.GetArrayFromImage(made)
    assert numbers.max() == pytest.approx(float(answer.max()), abs=0.51)
    assert numbers.mean() == pytest.approx(float(answer.mean()), abs=0.1)


def test_what_was_written_is_not_overwritten(tiny, scans, tmp_path):
    dicom = tmp_path / "dicom"
    (dicom / "T2w").mkdir(parents=True)
    (dicom / "T2w" / "notes.txt").write_text("mine")
    result = synthesize(tiny / "run", f"T1w={scans}", tmp_path / "t2.nii.gz", "--dicom", dicom)
    assert result.exit_code == 1
    assert "no series is replaced" in result.output
    assert not (tmp_path / "t2.nii.gz").exists()


def test_dicom_needs_a_source_that_is_dicom(tiny, tmp_path):
    source = tiny / "cohort" / "sub-00" / "T1w.nii.gz"
    result = synthesize(tiny / "run", f"T1w={source}", tmp_path / "t2.nii.gz", "--dicom", tmp_path / "dicom")
    assert result.exit_code == 1
    assert "leave --dicom out" in result.output


def test_a_folder_without_the_contrast_says_what_it_has(tiny, scans, tmp_path):
    make_series(scans, 3, description="t2_flair", InversionTime=2500)
    result = synthesize(tiny / "run", f"T2w={scans}", tmp_path / "t2.nii.gz")
    assert result.exit_code == 1
    assert "has no series of T2w" in result.output
    assert "is FLAIR, not T2w" in result.output
    missing = synthesize(tiny / "run", f"T1w={tmp_path / 'nowhere'}", tmp_path / "t2.nii.gz")
    assert "check the path" in missing.output
