"""NIfTI is read as ever, DICOM is converted; of several series of a contrast the first counts."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from head_phantom import grid_of, write

from anysyn.acquisition import Acquisition
from anysyn.data.records import Failure
from anysyn.errors import UserError
from anysyn.scans import intake


def series(name, modality, subject="sub-01", session=None):
    acquisition = Acquisition(modality=modality, echo_time_ms=90.0)
    return SimpleNamespace(
        path=Path(name), modality=modality, acquisition=acquisition, subject=subject, session=session
    )


def dicom_file(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(128) + b"DICM" + bytes(9))
    return path


def test_dicom_is_known_by_its_first_bytes(tmp_path):
    dicom_file(tmp_path / "dicom" / "IM0001")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("no image")
    assert intake.is_dicom(tmp_path / "dicom")
    assert not intake.is_dicom(tmp_path / "text")
    write(tmp_path / "dicom" / "T1w.nii.gz", grid=grid_of((4, 4, 4)))  # converted already
    assert not intake.is_dicom(tmp_path / "dicom")


def test_without_a_converter_it_says_what_to_do(tmp_path, monkeypatch):
    dicom_file(tmp_path / "in" / "IM0001")
    monkeypatch.setattr(intake, "CONVERTER", "anysyn.scans.nowhere")
    with pytest.raises(UserError, match="dcm2niix"):
        intake.found_scans(tmp_path / "in", tmp_path / "converted")


def test_the_people_of_a_conversion():
    first, again = series("a.nii.gz", "T2w"), series("b.nii.gz", "T2w")
    other, unknown = series("c.nii.gz", "T1w", session="ses-2"), series("d.nii.gz", None)
    scout = Failure("sub-01", None, "scout: is a localizer")
    found = intake.subjects_of(SimpleNamespace(series=(first, again, other, unknown), left_out=(scout,)))
    assert [(one.key, one.person, dict(one.images)) for one in found.subjects] == [
        ("sub-01", "sub-01", {"T2w": Path("a.nii.gz")}),
        ("sub-01_ses-2", "sub-01", {"T1w": Path("c.nii.gz")}),
    ]
    assert found.subjects[0].acquisitions["T2w"].echo_time_ms == 90
    reasons = [one.reason for one in found.ignored]
    assert reasons == ["b.nii.gz: a.nii.gz is used", "d.nii.gz: is of no known contrast", "scout: is a localizer"]
