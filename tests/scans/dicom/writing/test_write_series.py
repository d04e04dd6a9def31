import shutil
import subprocess

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
import torch
from dicom_files import make_enhanced, make_pet, make_series, voxels

from anysyn.data.volumes.volume import Volume, read_volume
from anysyn.scans.dicom import DicomError, convert, write_series


def itk(files):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in files])
    return reader.Execute()


@pytest.fixture
def source(tmp_path):
    make_series(tmp_path / "in", degrees=23.0)
    return convert(tmp_path / "in", tmp_path / "nifti").series[0]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("mirrored", [(1, 1, 1), (-1, 1, -1)])
def test_slices_lie_where_those_of_the_source_do(tmp_path, source, order, mirrored):
    """Whatever the order and the direction of the axes of the file that a converter or a viewer wrote."""
    volume = read_volume(source.path)
    turn = np.zeros((4, 4))
    turn[order, range(3)] = mirrored
    turn[:3, 3] = [(n - 1) * (mirrored[order.index(axis)] < 0) for axis, n in enumerate(volume.shape)]
    turn[3, 3] = 1
    flips = tuple(slice(None, None, sign) for sign in mirrored)
    turned = torch.from_numpy(volume.voxels.numpy().transpose(order)[flips].copy())
    files = write_series(Volume(turned, volume.affine @ turn), source.files, tmp_path / "out", target="ADC")
    made, real = itk(files), itk(source.files)
    for of in ("GetSize", "GetSpacing", "GetDirection", "GetOrigin"):
        assert np.allclose(getattr(made, of)(), getattr(real, of)(), atol=1e-4), of
    corner = [n - 1 for n in real.GetSize()]
    assert np.allclose(
        made.TransformIndexToPhysicalPoint(corner), real.TransformIndexToPhysicalPoint(corner), atol=1e-3
    )
    assert np.abs(sitk.GetArrayFromImage(made) - sitk.GetArrayFromImage(real).astype(float)).max() < 0.02


def test_the_series_belongs_beside_its_source_and_says_what_it_is(tmp_path, source):
    files = write_series(read_volume(source.path), source.files, tmp_path / "out", target="ADC", made_from=["T2w"])
    real = [pydicom.dcmread(path) for path in source.files]
    made = [pydicom.dcmread(path) for path in files]
    first = made[0]
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName", "PatientBirthDate"):
        assert first[keyword].value == real[0][keyword].value
    assert {one.SeriesInstanceUID for one in made}.isdisjoint({one.SeriesInstanceUID for one in real})
    assert len({one.SOPInstanceUID for one in (*made, *real)}) == len(made) + len(real)
    assert first.ImageType[:2] == ["DERIVED", "SECONDARY"]
    assert first.SeriesDescription.startswith("[SYNTHETIC] ADC")
    for text in (first.SeriesDescription, first.DerivationDescription, first.ImageComments):
        assert "not for clinical use" in text
    assert "from T2w" in first.DerivationDescription
    ours = first.ContributingEquipmentSequence[1]
    assert (ours.Manufacturer, ours.PurposeOfReferenceCodeSequence[0].CodeValue) == ("anysyn", "109102")
    for image, its in zip(made, real, strict=True):
        assert [item.ReferencedSOPInstanceUID for item in image.SourceImageSequence] == [its.SOPInstanceUID]
    shown = first.WindowCenter - first.WindowWidth / 2, first.WindowCenter + first.WindowWidth / 2
    assert np.allclose(shown, np.percentile(voxels(), [0.5, 99.5]), atol=1)
    assert not convert(tmp_path / "out", tmp_path / "again").series  # a synthesis is no source


def test_rounding_is_as_stated(tmp_path, source):
    volume = read_volume(source.path)
    image = Volume(volume.voxels * 1e-3 - 0.3, volume.affine)
    files = write_series(image, source.files, tmp_path / "out", target="T1w")
    header = pydicom.dcmread(files[0])
    stated = float(header.DerivationDescription.split("by at most ")[1].rstrip("."))
    assert stated == pytest.approx(float(header.RescaleSlope) / 2, rel=1e-5)
    write_series(volume, source.files, tmp_path / "whole", target="T1w")
    found = sitk.GetArrayFromImage(itk(files))
    expected = voxels() * 1e-3 - 0.3
    assert np.abs(found - expected).max() <= stated * 1.01 + 1e-7


def test_an_anonymous_series_names_nobody(tmp_path, source):
    files = write_series(read_volume(source.path), source.files, tmp_path / "out", target="ADC", anonymous=True)
    real = pydicom.dcmread(source.files[0])
    for path in files:
        content = path.read_bytes()
        words = ("Jane", "PAT4711", "19610203", "House", "A99", "20110707", real.StudyInstanceUID, real.SOPInstanceUID)
        assert not [word for word in words if str(word).encode() in content]
    assert pydicom.dcmread(files[0]).PatientIdentityRemoved == "YES"


def test_nothing_is_overwritten(tmp_path, source):
    volume = read_volume(source.path)
    write_series(volume, source.files, tmp_path / "out", target="ADC")
    with pytest.raises(FileExistsError):
        write_series(volume, source.files, tmp_path / "out", target="ADC")


def test_another_grid_is_written_in_its_own_axes(tmp_path, source):
    affine = np.diag([1.0, 1.2, 1.4, 1.0])
    affine[:3, 3] = 5, 6, 7
    image = Volume(torch.arange(60.0).reshape(3, 4, 5), affine)
    files = write_series(image, source.headers, tmp_path / "out", target="CT")
    made = itk(files)
    assert np.allclose(made.GetOrigin(), [-5, -6, 7])
    assert np.allclose(made.GetSpacing(), [1.0, 1.2, 1.4])
    assert np.array_equal(sitk.GetArrayFromImage(made).transpose(2, 1, 0), image.voxels.numpy())


def test_a_sheared_grid_is_refused(tmp_path, source):
    affine = np.eye(4)
    affine[0, 2] = 0.2
    with pytest.raises(DicomError, match="perpendicular"):
        write_series(Volume(torch.rand(3, 4, 5), affine), source.headers, tmp_path / "out", target="CT")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="needs dciodvfy, of Debian's dicom3tools")
@pytest.mark.parametrize("target", ["T1w", "ADC", "CT", "FDG-PET"])
@pytest.mark.parametrize("make", [make_series, make_enhanced, make_pet])
def test_an_independent_validator_finds_no_error(tmp_path, target, make):
    make(tmp_path / "in")
    [source] = convert(tmp_path / "in", tmp_path / "nifti").series
    for anonymous in (False, True):
        out = tmp_path / f"{anonymous}"
        image = read_volume(source.path)
        files = write_series(image, source.files, out, target=target, anonymous=anonymous)
        done = subprocess.run(["dciodvfy", str(files[2])], capture_output=True, text=True)
        assert not [line for line in (done.stderr + done.stdout).splitlines() if line.startswith("Error")]
