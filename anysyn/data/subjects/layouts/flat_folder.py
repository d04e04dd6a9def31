"""Whose images the files of one folder are: of one subject, or of several that their names tell apart."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import NamedTuple

from anysyn.data.subjects.names.name_words import words_of
from anysyn.data.subjects.people import VISIT, person_and_visit, visit_of
from anysyn.errors import UserError

_SERIES = re.compile(r"(s|se|ser|series|scan|im|img|e|x)?(\d{1,5})", re.IGNORECASE)
_PARAMETER = re.compile(  # of a sequence, or an archive's number of the series: p2, e1, 3mm, S13408
    r"[is]\d{4,}|[epsvbnar][1-9]\d*|\w*\d(t|mm|d|iso)|(te|tr|ti|fl|tse|se|mpr|spc|n)\d+", re.IGNORECASE
)
_REPEAT = re.compile(r"(?<=[a-z0-9])_(run|acq|rec|echo)-[^_]+.*$", re.IGNORECASE)  # from here on, a name as in BIDS
_MAY_BE_PEOPLE = re.compile(r"[a-z]*(0\d+|\d{5})", re.IGNORECASE)
_LONGEST = 3  # how many names a message gives


@dataclass(frozen=True)
class FileName:
    """A file's name, as far as it tells whose image it is.

    Args:
        text: The name without its ending, and without the names of folders that it begins with.
        start: How many words stand before the first one that says something about the contrast.
        modality: What the file is; None if that is not known, so that it proves nothing about the others.
        describing: Words, in lower case, that describe an image and name nobody: ``ax``, ``brain``, ``post``.

    Example:
        >>> name = FileName("UPENN-GBM-00001_11_Ax_T1", 5, "T1w", frozenset({"ax"}))
        >>> name.person, name.visit
        ('UPENN-GBM-00001', '11')
    """

    text: str
    start: int
    modality: str | None
    describing: frozenset[str] = frozenset()

    @cached_property
    def words(self) -> tuple[str, ...]:
        """All words of the name."""
        return tuple(words_of(self.text))

    @cached_property
    def person(self) -> str:
        """What stands before the contrast, without visit and without words that describe an image; "" if nothing."""
        return self._lead[0]

    @cached_property
    def visit(self) -> str:
        """The visit, wherever it stands; "" if none."""
        return self._lead[1] or visit_of(self.words)

    @cached_property
    def _lead(self) -> tuple[str, str]:
        lead = list(self.words[: self.start])
        while lead and lead[-1].lower() in self.describing:
            lead.pop()
        before = 0
        while before < len(lead) and lead[before].lower() in self.describing:
            before += 1
        text = _REPEAT.sub("", _span(self.text, self.words, before, len(lead)))
        return ("", text) if VISIT.fullmatch(text) else person_and_visit(text)


def _span(text: str, words: Sequence[str], first: int, end: int) -> str:
    """Return a name from one of its words to another one, with what separates them."""
    start = position = 0
    for i, word in enumerate(words[:end]):
        position = text.index(word, position)
        start = position if i == first else start
        position += len(word)
    return text[start:position] if first < end else ""


class Owner(NamedTuple):
    """Whose image a file is, among the files of one folder; "" where that is the same for all of them.

    Args:
        person: Words that name the person.
        visit: Words that name the visit.
    """

    person: str
    visit: str

    def __str__(self) -> str:
        return "_".join(filter(None, self))


def owners(names: Sequence[FileName], *, at_root: bool = False) -> list[Owner | None]:
    """Return whose image each file of a folder is.

    Words before the contrast that have a digit name subjects: ``IXI002-Guys-0828-T1``, ``sub1_t1``. Numbers alone do
    so only if files of different contrast share them (``001_T1``, ``001_FLAIR``); else they number the series of one
    subject (``301_T1W``, ``5_Ax_T2_FLAIR``). Where the words before the contrast tell nobody apart, the last word may
    (``T1_P01``). Visits (``T1_BL``, ``T1_FU``) are subjects, too.

    Args:
        names: Of the images of one folder.
        at_root: Whether there is no folder that could be the subject.

    Returns:
        One for each file; None for a file that names no person or visit beside files that do.

    Raises:
        UserError: If it is unclear whether the files are of one subject.

    Example:
        >>> files = {"sub1_t1": "T1w", "sub2_t1": "T1w", "sub2_flair": "FLAIR"}
        >>> [str(owner) for owner in owners([FileName(text, 1, modality) for text, modality in files.items()])]
        ['sub1', 'sub2', 'sub2']
        >>> owners([FileName("301_T1W", 1, "T1w"), FileName("5_FLAIR", 1, "FLAIR")])[1]
        Owner(person='', visit='')
    """
    known = [name for name in names if name.modality is not None]
    people = _by_lead(known, at_root=at_root) or _by_tail(known, at_root=at_root)
    if not people:
        shared = known[0].person if at_root and known else ""
        people = dict.fromkeys(known, shared if _has_digit(shared) and not _SERIES.fullmatch(shared) else "")
    several = len({name.visit for name in known}) > 1
    owner_of = {
        name: None if person is None else Owner(person, name.visit if several else "")
        for name, person in people.items()
    }
    everyone = {"_".join(words_of(str(owner))).lower(): owner for owner in owner_of.values() if owner is not None}
    return [owner_of[name] if name in owner_of else _named_in(name, everyone) for name in names]


def _named_in(name: FileName, everyone: Mapping[str, Owner]) -> Owner | None:
    """Return whose file one of unknown contrast is: a mask, or what is listed as left out."""
    if len(everyone) < 2:
        return next(iter(everyone.values()), Owner("", ""))
    count = len(name.words)
    runs = (name.words[start:end] for start in range(count) for end in range(count, start, -1))
    return next((everyone[key] for run in runs if (key := "_".join(run).lower()) in everyone), None)


def _by_lead(known: Sequence[FileName], *, at_root: bool) -> dict[FileName, str | None]:
    """Group by what stands before the contrast; empty if that tells nobody apart."""
    leads = [words_of(name.person) for name in known]
    shared = list(takewhile(lambda column: len(set(column)) == 1, zip(*leads, strict=False)))
    leads = [lead[len(shared) :] for lead in leads]  # the words with which all begin tell nobody apart
    named = [lead for lead in leads if lead]
    if not named or all(lead == leads[0] for lead in leads):
        return {}
    after_number = not shared or _has_digit(shared[-1][:1])  # "P1_301_T1" has a series, "BRATS_301_T1" a person
    if after_number and all(len(lead) == 1 and _SERIES.fullmatch(lead[0]) for lead in named):
        return _by_number(known, [lead[0] if lead else "" for lead in leads], at_root=at_root)
    if any(map(_has_digit, named)):
        pairs = zip(known, leads, strict=True)
        return {name: name.person if _has_digit(lead) else None for name, lead in pairs}
    if len(named) < len(leads):  # the plain ones beside them are of one subject: T1, old_T1
        if at_root and all(name.visit for name in known):  # KM_2019-01-01_T1 may be of a person with these initials
            raise UserError(f"begin with different words ({_some(name.text for name in known)}) before their visit")
        return {}
    if at_root and all(name.start == len(name.words) for name in known):  # T1/Meier, T2/Meier: names of people alone
        return {name: name.person for name in known}
    raise UserError(
        f"begin with different words ({_some(lead[0] for lead in named)}), so they may be of several people"
    )


def _by_number(known: Sequence[FileName], numbers: Sequence[str], *, at_root: bool) -> dict[FileName, str | None]:
    """Group by numbers that files of different contrast share; other numbers are those of series."""
    if _shared(known, numbers):
        return {name: name.person if number else None for name, number in zip(known, numbers, strict=True)}
    if at_root and all(_MAY_BE_PEOPLE.fullmatch(number) for number in numbers):
        raise UserError(f"begin with different numbers ({_some(numbers)}), which may be those of people or of series")
    return {}


def _by_tail(known: Sequence[FileName], *, at_root: bool) -> dict[FileName, str | None]:
    """Group by the last word, if it has a number that names people; empty if it does not."""
    tails = [name.words[-1] if len(name.words) > name.start + 1 else "" for name in known]
    numbered = [re.fullmatch(r"([^\W\d]*)\d+", tail) for tail in tails]
    if len(set(tails)) < 2 or not all(numbered) or any(visit_of([tail]) for tail in tails):
        return {}
    letters = {match[1].lower() for match in numbered if match}
    if any(_PARAMETER.fullmatch(tail) for tail in tails):
        if at_root and len(letters) == 1 and not _shared(known, tails):
            raise UserError(f"end in {_some(tails)}, which may be people or settings of the scanner")
        return {}
    different = "" not in letters and not _shared(known, tails) and len({name.modality for name in known}) > 1
    if different and all(map(_SERIES.fullmatch, tails)):
        if at_root:  # dcm2niix ends the name in the number of the series, t1_mprage_s02
            raise UserError(f"end in different numbers ({_some(tails)}), which may be those of people or of series")
        return {}
    if _shared(known, tails) or (len(letters) == 1 and letters != {""}):
        return dict(zip(known, tails, strict=True))
    if at_root and all(_MAY_BE_PEOPLE.fullmatch(tail) for tail in tails):
        raise UserError(f"end in different numbers ({_some(tails)}), which may be those of people or of series")
    return {}


def _shared(known: Sequence[FileName], words: Sequence[str]) -> bool:
    """Return whether files of different contrast have one of these words in common."""
    modalities: dict[str, set[str | None]] = defaultdict(set)
    for name, word in zip(known, words, strict=True):
        modalities[word].add(name.modality)
    return any(word and len(shown) > 1 for word, shown in modalities.items())


def _has_digit(lead: Iterable[str]) -> bool:
    return any(character.isdigit() for word in lead for character in word)


def _some(words: Iterable[str]) -> str:
    different = list(dict.fromkeys(words))
    return ", ".join(different[:_LONGEST]) + (", ..." if len(different) > _LONGEST else "")
