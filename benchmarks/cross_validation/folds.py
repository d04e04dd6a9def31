"""Folds of people: each person is left out once, with all sessions."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from anysyn.data.records import Subject
from anysyn.errors import UserError


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Who trains, who chooses the best epoch, and who is left out.

    Args:
        name: Its name.
        train: Keys of the subjects that the networks learn from.
        validation: Keys of the subjects by which epochs are compared; may be empty.
        test: Keys of the subjects that are left out.
    """

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def override(self) -> str:
        """Return the split as an override of a recipe."""
        return "data.split=" + json.dumps({"train": self.train, "validation": self.validation, "test": self.test})


def folds_of(subjects: Sequence[Subject], count: int, *, validation: int = 1) -> list[Fold]:
    """Divide people into folds, so that each fold has its share of every dataset.

    The people are sorted by dataset and key and dealt out one by one. Those of a fold's validation are the first of
    the next fold, so nobody is in it twice unless there are more of them than in a fold.

    Args:
        subjects: The usable subjects; those of one person stay together.
        count: Number of folds, from 2 to the number of people.
        validation: People of the validation, from 0.

    Raises:
        UserError: If there are fewer people than folds, or nobody is left to train on.

    Example:
        >>> people = [Subject(f"sub-{n}", "site", {}, {}, {}) for n in range(5)]
        >>> first = folds_of(people, 2)[0]
        >>> first.test, first.validation, first.train
        (('sub-0', 'sub-2', 'sub-4'), ('sub-1',), ('sub-3',))
    """
    people = defaultdict[str, list[str]](list)
    for one in sorted(subjects, key=lambda subject: (subject.dataset, subject.key)):
        people[one.person or one.key].append(one.key)
    names = list(people)
    if not 2 <= count <= len(names):
        raise UserError(f"--folds {count}: there are {len(names)} people; choose a number from 2 to {len(names)}")
    most = len(names) - -(-len(names) // count) - 1  # beside the largest fold and one to train on
    if not 0 <= validation <= most:
        raise UserError(
            f"--validation {validation}: choose a number from 0 to {most}, so that someone is left to train"
        )
    dealt = [names[number::count] for number in range(count)]
    return [_fold(f"{number + 1} of {count}", dealt, number, validation, people) for number in range(count)]


def _fold(name: str, dealt: list[list[str]], number: int, validation: int, people: dict[str, list[str]]) -> Fold:
    others = [person for step in range(1, len(dealt)) for person in dealt[(number + step) % len(dealt)]]
    parts = {"train": others[validation:], "validation": others[:validation], "test": dealt[number]}
    return Fold(name=name, **{part: _keys(persons, people) for part, persons in parts.items()})


def _keys(persons: Sequence[str], people: dict[str, list[str]]) -> tuple[str, ...]:
    return tuple(sorted(key for person in persons for key in people[person]))
