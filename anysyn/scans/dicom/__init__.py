"""DICOM: a folder or a ZIP becomes NIfTI of known contrasts, and an image becomes a derived series beside its source.

Start in `conversion.py` (in) and `write_series.py` (out).
"""

from anysyn.scans.dicom.conversion import Conversion, Series, convert
from anysyn.scans.dicom.errors import DicomError
from anysyn.scans.dicom.writing.write_series import write_series

__all__ = ["Conversion", "DicomError", "Series", "convert", "write_series"]
