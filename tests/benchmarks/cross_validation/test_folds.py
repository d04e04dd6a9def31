"""Folds of people."""

from __future__ import annotations

import pytest
from cross_validation.folds import folds_of

from anysyn.data.records import Subject


def people(count, sessions=1, datasets=("site",)):
    return [
        Subject(f"sub-{n:02d}/ses-{s}", datasets[n % len(datasets)], {}, {}, {}, person=f"sub-{n:02d}")
        for n in range(count)
        for s in range(sessions)
    ]


@pytest.mark.parametrize(("count", "folds", "validation"), [(17, 4, 1), (17, 4, 2), (5, 5, 0), (6, 3, 2)])
def test_each_is_left_out_once_and_in_one_part(count, folds, validation):
    subjects = people(count)
    divided = folds_of(subjects, folds, validation=validation)
    assert sorted(key for fold in divided for key in fold.test) == sorted(one.key for one in subjects)
    for fold in divided:
        assert sorted((*fold.train, *fold.validation, *fold.test)) == sorted(one.key for one in subjects)
        assert len(fold.validation) == validation


def test_sizes_differ_by_one_at_most():
    assert sorted(len(fold.test) for fold in folds_of(people(17), 4)) == [4, 4, 4, 5]


def test_sessions_stay_together():
    for fold in folds_of(people(5, sessions=2), 2):
        persons = [{key.partition("/")[0] for key in part} for part in (fold.train, fold.validation, fold.test)]
        assert not persons[0] & persons[1]
        assert not persons[0] & persons[2]
        assert not persons[1] & persons[2]


def test_each_fold_has_its_share_of_a_dataset():
    for fold in folds_of(people(8, datasets=("A", "B")), 4):
        assert sorted(int(key[4:6]) % 2 for key in fold.test) == [0, 1]
