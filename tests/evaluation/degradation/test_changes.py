import pytest

from anysyn.evaluation.degradation.changes import parse_changes
from anysyn.evaluation.errors import EvaluationError


def test_thick_slices_and_a_corruption_are_kept_apart_in_any_order():
    assert parse_changes([]) == (None, None)
    assert parse_changes(["factor=2, axis=0"]) == ("factor=2, axis=0", None)
    assert parse_changes(["axis=0,factor=2", "gaussian=0.1"]) == ("axis=0,factor=2", "gaussian=0.1")


@pytest.mark.parametrize("two", [["gaussian=0.1", "rician=0.1"], ["axis=0,factor=2", "axis=1,factor=2"]])
def test_two_of_a_kind_are_refused(two):
    with pytest.raises(EvaluationError, match="anysyn probe robustness takes several"):
        parse_changes(two)
