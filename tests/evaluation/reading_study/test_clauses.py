"""Clauses, and their matching against loops written out."""

import itertools

import pytest

from anysyn.evaluation.reading_study.clauses import clauses, similarity, word_overlap

REAL = "Patchy low signal in the left lobe, with clear margins; it measures 3.5 cm. No enhancement."
OTHER = "Patchy high signal in the left lobe. It measures 3.6 cm, faint enhancement."


def test_a_number_keeps_its_point():
    assert clauses(REAL)[2:] == ["it measures 3.5 cm", "No enhancement"]
    assert clauses(" . ;, ") == []


def test_similarity_is_the_mean_of_both_directions():
    a, b = clauses(REAL), clauses(OTHER)
    alike = {(x, y): word_overlap(x, y) for x, y in itertools.product(a, b)}
    forth = sum(max(alike[x, y] for y in b) for x in a) / len(a)
    back = sum(max(alike[x, y] for x in a) for y in b) / len(b)
    assert similarity(REAL, OTHER) == pytest.approx((forth + back) / 2)
    assert similarity(REAL, OTHER) == pytest.approx(similarity(OTHER, REAL))
    assert similarity(REAL, REAL) == 1
    assert 0 < similarity(REAL, OTHER) < 1
    assert similarity(REAL, OTHER, lambda x, y: float(x == y)) == 0  # any other likeness


def test_what_is_missing_costs():
    shorter = "Patchy low signal in the left lobe; it measures 3.5 cm. No enhancement."
    assert similarity(REAL, shorter) < 1
    assert similarity(REAL, "") == 0
    assert similarity("", "") == 1
