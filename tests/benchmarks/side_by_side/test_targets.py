"""The benchmark of targets asks the same network in both forms, and times each target."""

import sys

import pytest
import speed
from side_by_side import targets
from typer.testing import CliRunner

SMALL = {"depth": 2, "blocks": 6, "width": 48, "out": 16, "hidden": (16, 16)}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_both_forms_answer_the_same_and_encoding_once_pays():
    case = targets.Case(24, 4, **SMALL)
    laid_out, folded = (targets.cost_of(case, form) for form in targets.FORMS)
    assert (folded.images - laid_out.images).abs().max() < 1e-5
    assert len(folded.seconds) == len(laid_out.seconds) == 4
    assert (folded.images[0] - folded.images[1]).abs().max() > 1e-3
    assert folded.seconds[-1] < 0.5 * folded.seconds[0]


def test_a_row_says_what_the_last_target_costs():
    cost = targets.Cost(None, (10.0, 1.0, 0.5), 2.0)
    assert "11.5 CPU s (the first target 10.00, the last of 3 0.50: 5.0%)" in targets.row("folded", cost)


def test_the_command_is_there():
    shown = CliRunner().invoke(speed.app, ["targets", "--help"])
    assert shown.exit_code == 0
    assert "--targets" in shown.output
