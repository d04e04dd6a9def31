"""Splits of the subjects into training, validation and test."""

from __future__ import annotations

import difflib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from anysyn.data.records import Subject
from anysyn.errors import UserError
from anysyn.registry import suggest

PARTS = ("train", "validation", "test")
Share = float | Sequence[str]

TOLERANCE = 1e-6
UNUSED = "unused"


def split_subjects(
    subjects: Iterable[Subject],
    *,
    train: Share = 0.7,
    validation: Share = 0.1,
    test: Share = 0.2,
    seed: int = 0,
) -> dict[str, list[str]]:
    """Split subjects by person, stratified by dataset; the order of the subjects does not matter.

    Shares are rounded so that each part with a share gets a person if possible: a single person is for training, a
    second one for testing, a third one for validation. Subjects with a predefined split keep it. A list of keys or
    persons takes precedence over both. If training is a list, in the recipe or by predefined splits, a part given as a
    share stays empty. If only other parts are lists, the remaining persons are split in proportion to the shares.

    Args:
        subjects: All of them.
        train: Share of the persons, or keys.
        validation: Share of the persons, or keys.
        test: Share of the persons, or keys.
        seed: Of the draw.

    Returns:
        The sorted keys of ``"train"``, ``"validation"`` and ``"test"``.

    Raises:
        UserError: If shares are negative or sum to more than 1, a key is unknown, or a person is in two parts.

    Example:
        >>> people = [Subject(f"sub-{i}", "IXI", {}, {}, {}) for i in range(10)]
        >>> {part: len(keys) for part, keys in split_subjects(people).items()}
        {'train': 7, 'validation': 1, 'test': 2}
        >>> split_subjects(people, train=["sub-1"], test=["sub-2"])
        {'train': ['sub-1'], 'validation': [], 'test': ['sub-2']}
    """
    everyone = sorted(subjects, key=lambda subject: subject.key)
    parts: dict[str, Share] = {"train": train, "validation": validation, "test": test}
    shares = _shares(parts)
    assigned = _assigned(everyone, {part: keys for part, keys in parts.items() if part not in shares})
    _check_persons(everyone, assigned)
    assigned_persons = {_person(subject) for subject in everyone if subject.key in assigned}
    rest = [subject for subject in everyone if _person(subject) not in assigned_persons]
    drawn = _drawn(rest, _remaining_shares(shares, set(assigned.values())), seed)
    part_of = {subject.key: assigned.get(subject.key, drawn.get(_person(subject))) for subject in everyone}
    return {part: [key for key, own in part_of.items() if own == part] for part in PARTS}


def _person(subject: Subject) -> str:
    return subject.person or subject.key


def _shares(parts: Mapping[str, Share]) -> dict[str, float]:
    shares = {part: float(share) for part, share in parts.items() if isinstance(share, (int, float))}
    if not all(share >= 0 for share in shares.values()) or sum(shares.values()) > 1 + TOLERANCE:
        written = ", ".join(f"{part} {share:g}" for part, share in shares.items())
        raise UserError(f"split: the shares {written} must not be negative and sum to at most 1")
    return shares


def _assigned(everyone: Sequence[Subject], lists: Mapping[str, Share]) -> dict[str, str]:
    """Return the part of each key in a list or, without lists, with a predefined split."""
    if not lists:
        return {subject.key: subject.split for subject in everyone if subject.split}
    keys: dict[str, list[str]] = defaultdict(list)
    for subject in everyone:
        for name in {subject.key, _person(subject)}:
            keys[name].append(subject.key)
    assigned: dict[str, str] = {}
    for part, listed in lists.items():
        for name in [listed] if isinstance(listed, str) else listed:  # type: ignore[union-attr]
            if name not in keys:
                raise UserError(f"split.{part}: no subject or person named {name!r}; {_near(name, keys)}")
            for key in keys[name]:
                if assigned.setdefault(key, part) != part:
                    raise UserError(f"split: {key} is in {assigned[key]} and in {part}; keep one of them")
    return assigned


def _near(name: str, names: Iterable[str]) -> str:
    choices = sorted(names)
    near = difflib.get_close_matches(name, choices, n=5) or choices[:5]
    return suggest(name, near) + (f" and {len(choices) - len(near)} more" if len(choices) > len(near) else "")


def _check_persons(everyone: Sequence[Subject], assigned: Mapping[str, str]) -> None:
    """Raise if sessions of one person are in two parts: a test on a person of the training tests nothing."""
    first: dict[str, str] = {}
    for subject in (subject for subject in everyone if subject.key in assigned):
        key = first.setdefault(_person(subject), subject.key)
        if assigned[key] != assigned[subject.key]:
            raise UserError(
                f"split: {key} is in {assigned[key]} and {subject.key} in {assigned[subject.key]}, but both are "
                f"{_person(subject)}; keep a person in one part"
            )


def _remaining_shares(shares: Mapping[str, float], filled: set[str]) -> dict[str, float]:
    if not filled:
        return dict(shares)
    open_parts = {part: share for part, share in shares.items() if part not in filled}
    total = sum(open_parts.values())
    if "train" not in open_parts or total == 0:
        return {}
    return {part: share / total for part, share in open_parts.items()}


def _drawn(rest: Sequence[Subject], shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """Assign the parts along a stratified order, in which every stretch has the datasets in proportion."""
    order = _stratified(rest, np.random.default_rng(seed))
    sizes = _sizes(len(order), shares)
    parts = [part for part in ("test", "validation", UNUSED, "train") for _ in range(sizes.get(part, 0))]
    return dict(zip(order, parts, strict=True))


def _stratified(rest: Sequence[Subject], generator: np.random.Generator) -> list[str]:
    """Order persons by their relative rank within their shuffled dataset; ties are broken at random."""
    datasets: dict[str, str] = {}
    for subject in rest:
        datasets.setdefault(_person(subject), subject.dataset)
    places: dict[str, tuple[float, float]] = {}
    for dataset in sorted(set(datasets.values())):
        persons = sorted(person for person, own in datasets.items() if own == dataset)
        for rank, i in enumerate(generator.permutation(len(persons))):
            places[persons[i]] = (rank + 0.5) / len(persons), generator.random()
    return sorted(places, key=places.__getitem__)


def _sizes(persons: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Round shares to whole persons: largest remainders first, then one person for each part without any."""
    exact = {part: persons * share for part, share in shares.items()}
    exact[UNUSED] = persons - sum(exact.values())
    sizes = {part: math.floor(amount + TOLERANCE) for part, amount in exact.items()}
    left = persons - sum(sizes.values())
    for part in sorted(exact, key=lambda part: sizes[part] - exact[part])[:left]:
        sizes[part] += 1
    needy = [part for part in ("train", "test", "validation") if shares.get(part, 0) > 0]
    for part in needy[:persons]:
        if sizes[part] == 0:
            giver = max(sizes, key=sizes.__getitem__)
            sizes[giver] -= 1
            sizes[part] += 1
    return sizes
