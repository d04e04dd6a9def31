"""DICOM out: an image becomes a derived series beside its source. Start in `write_series.py`."""
