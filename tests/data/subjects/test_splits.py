from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anysyn.data.records import Subject
from anysyn.data.subjects.find import find_subjects
from anysyn.data.subjects.splits import PARTS, split_subjects
from anysyn.errors import UserError


def subject(key: str, dataset: str = "A", person: str = "", split: str | None = None) -> Subject:
    return Subject(key, dataset, {}, {}, {}, person, split)


def people(count: int, dataset: str = "A") -> list[Subject]:
    return [subject(f"{dataset}-{i:03}", dataset) for i in range(count)]


def sizes(parts: dict[str, list[str]]) -> tuple[int, ...]:
    return tuple(len(parts[part]) for part in PARTS)


def everyone(parts: dict[str, list[str]]) -> list[str]:
    return sorted(key for keys in parts.values() for key in keys)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, (1, 0, 0)), (2, (1, 0, 1)), (3, (1, 1, 1)), (4, (2, 1, 1)), (5, (3, 1, 1)), (10, (7, 1, 2)), (24, (17, 2, 5))],
)
def test_few_subjects_fill_every_part_they_can(count: int, expected: tuple[int, ...]) -> None:
    assert sizes(split_subjects(people(count))) == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    counts=st.lists(st.integers(1, 30), min_size=1, max_size=5),
    shares=st.sampled_from([(0.7, 0.1, 0.2), (0.5, 0.25, 0.25), (0.8, 0.2, 0.0), (0.3, 0.1, 0.1), (0.0, 0.0, 1.0)]),
    seed=st.integers(0, 5),
)
def test_parts_are_disjoint_proportional_and_stratified(
    counts: list[int], shares: tuple[float, float, float], seed: int
) -> None:
    cohort = [one for i, count in enumerate(counts) for one in people(count, "ABCDE"[i])]
    parts = split_subjects(cohort, **dict(zip(PARTS, shares, strict=True)), seed=seed)
    assert len(everyone(parts)) == len(set(everyone(parts)))
    wanted = [share * len(cohort) for share in shares]
    assert all(abs(size - want) < 2 for size, want in zip(sizes(parts), wanted, strict=True))
    if sum(shares) == 1:
        assert everyone(parts) == sorted(one.key for one in cohort)
    for i, count in enumerate(counts):
        for part, share in zip(parts, shares, strict=True):
            assert abs(sum(key.startswith("ABCDE"[i]) for key in parts[part]) - share * count) < 2


def test_each_site_of_the_demo_is_tested() -> None:
    cohort = [one for site in "ABCD" for one in people(6, site)]
    for seed in range(10):
        parts = split_subjects(cohort, seed=seed)
        assert {key[0] for key in parts["test"]} == set("ABCD")
        assert set(Counter(key[0] for key in parts["train"]).values()) <= {4, 5}


def test_the_order_does_not_count_and_the_seed_does() -> None:
    cohort = people(20) + people(9, "B")
    shuffled = random.Random(0).sample(cohort, len(cohort))
    assert split_subjects(cohort, seed=3) == split_subjects(shuffled, seed=3)
    assert len({tuple(split_subjects(cohort, seed=seed)["test"]) for seed in range(10)}) == 10
    assert all(keys == sorted(keys) for keys in split_subjects(shuffled).values())


def test_everybody_is_tested_under_some_seed() -> None:
    seen = {key for seed in range(60) for key in split_subjects(people(10), seed=seed)["test"]}
    assert len(seen) == 10


def sessions(count: int) -> list[Subject]:
    return [subject(f"sub-{i:02}_ses-{s}", person=f"sub-{i:02}") for i in range(count) for s in range(1 + i % 3)]


def test_nobody() -> None:
    assert sizes(split_subjects([])) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(5))
def test_sessions_of_a_person_stay_together(seed: int) -> None:
    parts = split_subjects(sessions(12), seed=seed)
    persons = [{key[:6] for key in keys} for keys in parts.values()]
    assert sum(map(len, persons)) == len(set.union(*persons)) == 12
    assert len(everyone(parts)) == len(sessions(12))


def test_lists_win_and_nobody_joins_unasked() -> None:
    parts = split_subjects(people(9), train=["A-001", "A-002"], test=["A-008"])
    assert parts == {"train": ["A-001", "A-002"], "validation": [], "test": ["A-008"]}
    parts = split_subjects(people(9), test=["A-008"])  # which leaves shares for the rest
    assert parts["test"] == ["A-008"]
    assert sizes(parts) == (7, 1, 1)


def test_a_list_takes_persons_too() -> None:
    parts = split_subjects(sessions(5), train=["sub-02", "sub-01_ses-0"], validation=[], test="sub-04")
    assert parts["train"] == ["sub-01_ses-0", "sub-02_ses-0", "sub-02_ses-1", "sub-02_ses-2"]
    assert parts["test"] == ["sub-04_ses-0", "sub-04_ses-1"]


def test_a_split_that_subjects_bring_is_kept() -> None:
    cohort = [subject("a", split="test"), subject("b", split="train"), subject("c"), subject("d", split="train")]
    assert split_subjects(cohort) == {"train": ["b", "d"], "validation": [], "test": ["a"]}
    assert split_subjects(cohort, train=["a"], test=["b"])["train"] == ["a"]
    parts = split_subjects([*people(9), subject("x", split="test")])
    assert parts["test"] == ["x"]
    assert sizes(parts) == (8, 1, 1)


@pytest.mark.parametrize(
    ("lists", "message"),
    [
        ({"train": ["A-00"]}, "split.train: no subject or person named 'A-00'; did you mean 'A-0..'.*and 15 more"),
        ({"train": ["A-001"], "test": ["A-001"]}, "A-001 is in train and in test"),
        ({"train": 0.9, "test": 0.2}, "sum to at most 1"),
        ({"train": -0.1}, "must not be negative"),
        ({"train": float("nan")}, "must not be negative"),
    ],
)
def test_mistakes(lists: dict[str, float | Iterable[str]], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        split_subjects(people(20), **lists)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_a_person_cannot_train_and_test() -> None:
    with pytest.raises(UserError, match="sub-02_ses-0 is in train and sub-02_ses-1 in test, but both are sub-02"):
        split_subjects(sessions(5), train=["sub-02_ses-0"], test=["sub-02_ses-1"])


def test_shares_may_sum_to_one_with_rounding() -> None:
    assert sizes(split_subjects(people(30), train=0.1, validation=0.2, test=0.7000000001)) == (3, 6, 21)


def test_train_on_two_real_heads_and_test_on_a_third(shared: Path) -> None:
    train, test = ["glioma_brain_1mm/TCGA-DU-7294", "ms_brain_1mm/sub-07"], ["ms_brain_1mm/sub-26"]
    parts = split_subjects(find_subjects(shared).subjects, train=train[::-1], test=test)
    assert parts == {"train": train, "validation": [], "test": test}
