"""The recipes at the papers' sizes have the papers' numbers of parameters, as `anysyn show` says them."""

import pytest

from anysyn.cli import summary


@pytest.mark.parametrize(
    ("recipe", "counts"),
    [("unisyn-metadata", {"synthesizer.encoder": "469,625,600", "synthesizer.decoder": "4,730,888"})],
)
def test_the_published_sizes(recipe, counts):
    shown = [line.split() for line in summary.lines(recipe)]
    found = {words[0]: words[-1] for words in shown if len(words) == 3}
    assert {name: found.get(name) for name in counts} == counts
