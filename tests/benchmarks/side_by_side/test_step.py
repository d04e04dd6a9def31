"""The loop by hand and anysyn's learn the same from the same batches."""

import re

import speed
from typer.testing import CliRunner


def test_both_end_with_the_same_weights():
    words = ["step", "--side", "16", "--size", "2", "--steps", "3", "--rounds", "1"]
    shown = CliRunner().invoke(speed.app, [*words, "--override", "parts.synthesizer.encoder.widths=[8, 8]"])
    assert shown.exit_code == 0, shown.output
    assert "anysyn" in shown.output
    apart = re.search(r"apart by at most (\S+)", shown.output)
    assert 0 <= float(apart[1]) < 1e-4
