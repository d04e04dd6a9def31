"""The benchmark of a tile compares the same network in both forms, and projects as it says."""

import re
import sys

import pytest
import speed
from side_by_side import tile
from typer.testing import CliRunner

SMALL = {"blocks": 2, "width": 8, "out": 16, "hidden": (16, 16), "halo": 1}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_both_forms_answer_the_same_for_both_targets():
    published, ours = (tile.cost_of(tile.Case(6, **SMALL), form) for form in ("published", "ours"))
    for mine, its in zip(ours.answers, published.answers, strict=True):
        assert its.std() > 1e-4
        assert (mine - its).abs().max() < 1e-5
    assert not ours.answers[0].equal(ours.answers[1])
    assert min(ours[1:]) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_bfloat16_is_near():
    exact, near = (tile.cost_of(tile.Case(6, p, **SMALL), "ours").answers[0] for p in ("fp32", "bf16"))
    assert 0 < (exact - near).abs().max() < 0.1 * exact.abs().max()


def test_the_projection_counts_the_tiles_of_the_published_code():
    cost = tile.Cost((), encode=600.0, condition=75.0, decode=100.0, second=150.0, gibibytes=12.3)
    ours, recorded, here = tile.projection(30, cost, cost)
    assert "150 tiles, 116,250 CPU s" in recorded
    assert "150 tiles, 930,000 CPU s" in here  # eight times the voxels
    tiles, total = re.search(r"(\d+) tiles .* ([\d,]+) CPU s", ours).groups()
    encoded, place = 64 * 675 * 8, 100 / (30 - 14) ** 3  # a place costs what it does between the halos of a tile of 30
    assert int(tiles) == 64
    assert encoded + 160 * 192 * 160 * place < int(total.replace(",", "")) < encoded + 64 * 60**3 * place


def test_the_command_is_there():
    shown = CliRunner().invoke(speed.app, ["tile", "--help"])
    assert shown.exit_code == 0
    assert "--precision" in shown.output
