"""Tables are read back with the types that they were written with."""

import numpy as np
import pandas as pd
import pytest

from anysyn.probes.tables import Table

TABLE = Table({"subject": str, "n": int, "share": float})


def test_words_stay_words_and_missing_numbers_are_nan(tmp_path):
    frame = TABLE.frame([{"subject": "NA", "n": 3, "share": 0.1}, {"subject": "", "n": 0, "share": float("nan")}])
    TABLE.write(tmp_path / "one.csv", frame)
    again = TABLE.read(tmp_path / "one.csv")
    pd.testing.assert_frame_equal(again, frame)
    assert again["subject"].tolist() == ["NA", ""]
    assert again["share"].dtype == np.float64


def test_further_columns_are_numbers_where_they_are_allowed():
    rows = [{"subject": "a", "n": 1, "share": 0.5, "psnr": 30}]
    assert Table(TABLE.columns, more=True).frame(rows)["psnr"].dtype == np.float64
    with pytest.raises(ValueError, match="unknown: psnr"):
        TABLE.frame(rows)
    with pytest.raises(ValueError, match="columns missing: share"):
        TABLE.frame([{"subject": "a", "n": 1}])


def test_an_empty_table_keeps_its_columns(tmp_path):
    TABLE.write(tmp_path / "none.csv", TABLE.frame([]))
    again = TABLE.read(tmp_path / "none.csv")
    assert list(again) == list(TABLE.columns)
    assert again["share"].dtype == np.float64
