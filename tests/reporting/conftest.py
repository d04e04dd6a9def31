"""A run, and one that was evaluated."""

import pytest
from run_folders import write_evaluation, write_run

from anysyn.data.records import Failure


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "run")


@pytest.fixture
def evaluated(run):
    write_evaluation(run, run.path / "evaluation", failures=[Failure("sub-09", None, "T2w.nii.gz: is damaged <b>")])
    return run
