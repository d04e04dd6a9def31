import pytest

from anysyn.training.folder import RunError, RunFolder


def test_no_record_says_what_is_missing(tmp_path):
    with pytest.raises(RunError, match=r"split\.json"):
        RunFolder(tmp_path).read("split.json")
