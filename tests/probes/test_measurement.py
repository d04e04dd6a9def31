"""Measurements are read as they were kept, and those of another request are none of this one."""

import numpy as np
import pytest

from anysyn.data.records import Failure
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.measurement import KeptMeasurements, Measurement

REQUEST = {"split": "test", "options": {"pairs": "all"}}


def test_a_measurement_is_read_as_it_was_kept(tmp_path):
    kept = KeptMeasurements.open(tmp_path, REQUEST, overwrite=False)
    rows = {"cases": [{"subject": "a/b", "psnr": np.float32(0.1), "n": np.int64(3), "missing": float("nan")}]}
    arrays = {"vectors/x": np.arange(6, dtype=np.float32).reshape(2, 3), "mask": np.array([True, False])}
    kept.put("a/b", Measurement(rows, arrays, (Failure("a/b", None, "half of it"),)))
    again = kept.get("a/b")
    assert again.rows["cases"][0]["psnr"] == pytest.approx(0.1)
    assert np.isnan(again.rows["cases"][0]["missing"])
    assert again.arrays.keys() == arrays.keys()
    assert all(np.array_equal(again.arrays[name], arrays[name]) for name in arrays)
    assert again.failures == (Failure("a/b", None, "half of it"),)
    assert kept.get("c") is None


def test_a_file_that_was_cut_off_is_not_taken_for_a_measurement(tmp_path):
    kept = KeptMeasurements.open(tmp_path, REQUEST, overwrite=False)
    kept.put("a", Measurement({"cases": [{"psnr": 1.0}]}))
    [path] = kept.folder.glob("*.npz")
    path.write_bytes(path.read_bytes()[:50])
    assert kept.get("a") is None


def test_another_request_is_refused_or_replaced(tmp_path):
    KeptMeasurements.open(tmp_path, REQUEST, overwrite=False).put("a", Measurement({"cases": [{"psnr": 1.0}]}))
    assert KeptMeasurements.open(tmp_path, REQUEST, overwrite=False).get("a")
    with pytest.raises(EvaluationError, match="unfinished probe of another request"):
        KeptMeasurements.open(tmp_path, REQUEST | {"split": "all"}, overwrite=False)
    assert KeptMeasurements.open(tmp_path, REQUEST | {"split": "all"}, overwrite=True).get("a") is None


def test_a_request_of_which_nothing_was_measured_blocks_no_other(tmp_path):
    KeptMeasurements.open(tmp_path, REQUEST, overwrite=False)
    other = KeptMeasurements.open(tmp_path, REQUEST | {"split": "all"}, overwrite=False)
    other.put("a", Measurement({"cases": [{"psnr": 1.0}]}))
    with pytest.raises(EvaluationError, match="unfinished probe of another request"):
        KeptMeasurements.open(tmp_path, REQUEST, overwrite=False)


def test_what_is_neither_word_nor_number_is_an_error(tmp_path):
    kept = KeptMeasurements.open(tmp_path, REQUEST, overwrite=False)
    with pytest.raises(TypeError, match="neither a word nor a number"):
        kept.put("a", Measurement({"cases": [{"path": tmp_path}]}))


def test_only_measurements_are_deleted_and_never_through_a_link(tmp_path):
    kept = KeptMeasurements.open(tmp_path / "air", REQUEST, overwrite=False)
    kept.put("a", Measurement({"cases": [{"psnr": 1.0}]}))
    (kept.folder / "mine.npz").write_text("mine")
    kept.clear()
    assert [path.name for path in kept.folder.iterdir()] == ["mine.npz"]
    other = KeptMeasurements.open(tmp_path / "other", REQUEST, overwrite=False)
    other.put("a", Measurement({"cases": [{"psnr": 1.0}]}))
    other.folder.rename(tmp_path / "victim")
    other.folder.symlink_to(tmp_path / "victim")
    other.clear()
    assert len(list((tmp_path / "victim").iterdir())) == 2
