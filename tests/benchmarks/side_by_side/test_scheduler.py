"""The benchmark of the scheduler trains on the coverage of four datasets, both ways."""

import speed
from side_by_side.scheduler import COVERAGE, cohort
from typer.testing import CliRunner


def test_the_cohort_has_every_pattern_in_proportion():
    groups = cohort(200)
    assert [groups.count(group) for group, _ in COVERAGE] == [2 * share for _, share in COVERAGE]
    assert set(cohort(5)) == {group for group, _ in COVERAGE}


def test_both_ways_train():
    small = [
        "parts.synthesizer.encoder.of.widths=[4, 8]",
        "parts.discriminators.of.of={name: patchgan, width: 4, layers: 1}",
    ]
    words = [word for one in small for word in ("--override", one)]
    shown = CliRunner().invoke(
        speed.app, ["scheduler", "--side", "16", "--size", "4", "--samples", "8", "--rounds", "1", *words]
    )
    assert shown.exit_code == 0, shown.output
    assert "scheduler, 4" in shown.output
    assert "times as many a CPU second" in shown.output
