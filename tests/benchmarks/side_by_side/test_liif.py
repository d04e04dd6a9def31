"""The benchmark of LIIF compares the same thing: equal answers, and a cost for each."""

import sys

import pytest
import speed
from side_by_side import liif
from typer.testing import CliRunner


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_the_forms_answer_the_same_and_each_has_a_cost():
    case = liif.Case(channels=4, side=6, onto=12, hidden=8, chunk=500)
    published, ours = (liif.evaluated(case, form) for form in ("published", "ours"))
    assert (published.answer - ours.answer).abs().max() < 1e-5
    assert published.seconds > 0
    assert published.mebibytes >= 0


def test_the_command_is_there():
    shown = CliRunner().invoke(speed.app, ["liif", "--help"])
    assert shown.exit_code == 0
    assert "--chunk" in shown.output
