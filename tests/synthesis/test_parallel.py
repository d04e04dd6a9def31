from dataclasses import dataclass

import pytest

from anysyn.data.records import Failure
from anysyn.errors import UserError
from anysyn.progress import Progress
from anysyn.synthesis.parallel import Opener, measure_each
from anysyn.synthesis.slurm import Slurm


@dataclass(frozen=True)
class Case:
    key: str
    value: int


def square(case):
    if case.value < 0:
        raise UserError("is below 0")
    if case.value == 99:
        raise SystemExit(1)  # as a process that is killed
    return case.value**2


def begin():
    return square


def measured(values, jobs, folder, slurm):
    failures = []
    cases = [Case(f"sub-{number}", value) for number, value in enumerate(values)]
    how = {"jobs": jobs, "opener": Opener(str(folder), begin, ()), "title": "squares", "slurm": slurm}
    answers = list(measure_each(cases, square, failures=failures, progress=Progress(), **how))
    return [(case.key, answer) for case, answer in answers], failures


@pytest.mark.parametrize("slurm", [None, Slurm(cluster="local", gpus=0)])
@pytest.mark.parametrize("jobs", [1, 2])
def test_the_order_stays_and_a_failure_costs_its_subject(tmp_path, jobs, slurm):
    answers, failures = measured([1, -1, 3, 4, 5], jobs, tmp_path / "out", slurm)
    assert answers == [("sub-0", 1), ("sub-2", 9), ("sub-3", 16), ("sub-4", 25)]
    assert failures == [Failure("sub-1", None, "is below 0")]


def test_a_job_of_slurm_that_dies_costs_its_own_subjects(tmp_path):
    answers, failures = measured([1, 99, 3, 4], 2, tmp_path / "out", Slurm(cluster="local", gpus=0))
    assert answers == [("sub-0", 1), ("sub-2", 9)]
    assert [failure.key for failure in failures] == ["sub-1", "sub-3"]
    assert "did not end well; see" in failures[0].reason
