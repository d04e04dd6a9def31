"""Errors in DICOM."""

from __future__ import annotations

from importlib.util import find_spec

from anysyn.errors import UserError

EXTRA = 'pip install "anysyn[dicom]"'


class DicomError(UserError):
    """DICOM that cannot be used; the message is one line: the series, what is wrong, the remedy."""


def check_installed() -> None:
    """Raise a `DicomError` that names the extra if pydicom is missing."""
    if find_spec("pydicom") is None:
        raise DicomError(f"DICOM needs pydicom, which is not installed: {EXTRA}; or convert the series to NIfTI")
