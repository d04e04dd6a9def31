"""The benchmark of LIIF compares the same thing: equal answers, and a cost for each."""

import sys

import pytest
import speed
import speed_liif
from typer.testing import CliRunner


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_the_forms_answer_the_same_and_each_has_a_cost():
    case = speed_liif.Case(channels=4, side=6, onto=12, hidden=8, chunk=500)
    literal, ours = (speed_liif.evaluated(case, form) for form in ("published", "ours"))
    assert (literal.answer - ours.answer).abs().max() < 1e-5
    assert literal.seconds > 0
    assert literal.mebibytes >= 0


def test_the_command_is_there():
    shown = CliRunner().invoke(speed.app, ["liif", "--help"])
    assert shown.exit_code == 0
    assert "--chunk" in shown.output
