"""Pairs as they are typed."""

import pytest

from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.pairs import Pair, by_sources, parse_pairs

NAMES = ("T1w", "T2w", "FLAIR")


def test_all_is_every_ordered_pair():
    assert {str(pair) for pair in parse_pairs("all", NAMES)} == {
        "T1w:T2w", "T1w:FLAIR", "T2w:T1w", "T2w:FLAIR", "FLAIR:T1w", "FLAIR:T2w"
    }  # fmt: skip
    assert parse_pairs(None, NAMES) == parse_pairs(" ALL ", NAMES)


def test_sources_stand_in_the_order_of_the_run_and_each_pair_once():
    found = parse_pairs("T2w+T1w:FLAIR, T1w+T2w:FLAIR,T1w:T2w", NAMES)
    assert found == (Pair(("T1w", "T2w"), "FLAIR"), Pair(("T1w",), "T2w"))


def test_aliases_and_case_are_understood():
    assert parse_pairs("t1:T2,t2f:t1w", NAMES) == (Pair(("T1w",), "T2w"), Pair(("FLAIR",), "T1w"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("T1w:FLAR", "pair 'T1w:FLAR': the run knows no 'FLAR'; did you mean 'FLAIR'"),
        ("T1w:CT", "the run knows no 'CT'; choices: FLAIR, T1w, T2w"),
        ("T1w", "write it as"),
        ("T1w:", "write it as"),
        (":T1w", "write it as"),
        ("T1w+:T2w", "write it as"),
        ("", "write it as"),
        ("T1w:T2w:FLAIR", "write it as"),
        ("T1w+T2w:T1w", "twice"),
        ("T1w+T1w:T2w", "twice"),
    ],
)
def test_mistakes_are_named(text, message):
    with pytest.raises(EvaluationError) as error:
        parse_pairs(text, NAMES)
    assert message in str(error.value)


def test_targets_of_the_same_sources_go_together():
    pairs = parse_pairs("T1w:T2w,T2w:T1w,T1w:FLAIR", NAMES)
    assert by_sources(pairs) == {("T1w",): ["T2w", "FLAIR"], ("T2w",): ["T1w"]}
