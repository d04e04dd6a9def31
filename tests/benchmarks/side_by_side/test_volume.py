"""Both ways synthesize the same head: where no tiles overlap, to the bit but for rounding."""

import re

import speed
import torch
from side_by_side.volume import Case, monai, ours
from typer.testing import CliRunner


def test_a_head_of_one_tile_is_the_same():
    case = Case((16, 16, 16), 16, (4, 8), "cpu")
    theirs, own = monai(case).answer.squeeze(), ours(case).answer
    torch.testing.assert_close(own, theirs, atol=1e-5, rtol=1e-4)
    assert own.std() > 0.001


def test_the_command_compares_them():
    words = ["volume", "--shape", "24", "24", "24", "--tile", "16", "--widths", "4", "--widths", "8"]
    shown = CliRunner().invoke(speed.app, words)
    assert shown.exit_code == 0, shown.output
    assert float(re.search(r"differ by at most (\S+):", shown.output)[1]) < 1
