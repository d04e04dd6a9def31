from __future__ import annotations

import pytest

from anysyn.data.subjects.names.name_words import read_name, words_of
from anysyn.data.subjects.names.naming_table import naming_table

TABLE = naming_table()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sub-01_T1w", ["sub", "01", "T1w"]),
        ("T1_C-", ["T1", "C-"]),
        ("T1_C-1", ["T1", "C", "1"]),
        ("Ax T1 +C", ["Ax", "T1", "+", "C"]),
        ("T2*_gre", ["T2*", "gre"]),
        ("T1 injecté", ["T1", "injecté"]),
        ("a_space-T1w_FLAIR", ["a", "FLAIR"]),
        ("t2_space", ["t2", "space"]),
        ("", []),
    ],
)
def test_a_name_is_split_where_it_means_nothing(name: str, words: list[str]) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("word", "contrasts", "agent"),
    [
        ("AxT1Post", ["T1c"], False),
        ("3DT1GADO", ["T1w"], True),
        ("SagT1MPRAGE", ["T1w"], False),
        ("sT1W", ["T1w"], False),
        ("t1ce2", ["T1c"], False),
        ("AXFLAIR", ["FLAIR"], False),
        ("T1W3D", ["T1w"], False),
        ("flair001", ["FLAIR"], False),
        ("PDT2", ["PDw", "T2w"], False),
        ("face", [], False),
        ("tract7", [], False),
        ("surface", [], False),
        ("REST1", [], False),
        ("T12", [], False),
        ("T1003", [], False),
        ("CE001", [], False),
        ("3DpCASL", [], False),
        ("postop", [], False),
        ("a3ct9f", [], False),
    ],
)
def test_glued_words_are_read_and_accidents_are_not(word: str, contrasts: list[str], agent: bool) -> None:
    reading = read_name([word], TABLE)
    assert (reading.contrasts, bool(reading.agent)) == (contrasts, agent)


@pytest.mark.parametrize("words", [["CT", "1"], ["T", "1"], ["T1", "12"], ["b", "7"]])
def test_a_number_of_its_own_makes_no_other_word(words: list[str]) -> None:
    assert "T1c" not in read_name(words, TABLE).contrasts
    assert read_name(words, TABLE).contrasts == [name for word in words for name in read_name([word], TABLE).contrasts]


@pytest.mark.parametrize(
    ("name", "agent", "no_agent"),
    [
        ("T1 post", True, False),
        ("T1 post op", False, False),
        ("T1 pre contrast", False, True),
        ("T1 ohne KM", False, True),
        ("T1 sans injection de gadolinium", False, True),
        ("T1 ohne und mit KM", True, True),
        ("T1 pre and post", True, True),
        ("T1 pre post", True, True),
        ("T1 nach KM Gabe", True, False),
        ("T1 C+", True, False),
        ("T1c", False, False),  # which it is by its name
        ("T1 w/o gad", False, True),
        ("T1 w gad", True, False),
        ("T1 POSTGD", True, False),
        ("SPGR +C", True, False),
    ],
)
def test_what_is_said_of_the_agent(name: str, agent: bool, no_agent: bool) -> None:
    reading = read_name(words_of(name), TABLE)
    assert (bool(reading.agent), bool(reading.no_agent)) == (agent, no_agent)
