"""Where findings lie beside the tables of the syntheses."""

import pytest

from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.evaluate import _open
from anysyn.probes.findings import open_findings
from anysyn.training.folder import RunFolder


def test_a_file_in_the_place_of_the_folder_is_an_error(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(EvaluationError, match="is a file; choose another --out"):
        open_findings(RunFolder(tmp_path), tmp_path / "out", "embeddings", overwrite=True)
    assert (tmp_path / "out").read_text() == "mine"


def test_findings_do_not_stand_in_the_way_of_the_tables(tmp_path):
    folder = open_findings(RunFolder(tmp_path), None, "embeddings", overwrite=False)
    (folder / "record.json").write_text("{}")
    _open(tmp_path / "evaluation", overwrite=False)
    assert (folder / "record.json").is_file()
    (tmp_path / "evaluation" / "cases.csv").write_text("")
    with pytest.raises(EvaluationError, match="is not empty"):
        _open(tmp_path / "evaluation", overwrite=False)
