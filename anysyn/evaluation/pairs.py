"""Pairs of sources and a target."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

from anysyn.data.modalities import modality
from anysyn.evaluation.errors import EvaluationError
from anysyn.registry import suggest


@dataclass(frozen=True)
class Pair:
    """The sources and the target of a synthesis.

    Args:
        sources: Modality names in the order of the recipe.
        target: Modality name.

    Example:
        >>> str(Pair(("T1w", "T2w"), "FLAIR"))
        'T1w+T2w:FLAIR'
    """

    sources: tuple[str, ...]
    target: str

    def __str__(self) -> str:
        return f"{'+'.join(self.sources)}:{self.target}"

    def within(self, modalities: Collection[str]) -> bool:
        """Return whether all contrasts of the pair are among the modalities."""
        return {*self.sources, self.target} <= set(modalities)


def parse_pairs(text: str | None, modalities: Sequence[str]) -> tuple[Pair, ...]:
    """Read pairs as they are typed.

    Args:
        text: ``"T1w:T2w,T1w+T2w:FLAIR"``; ``"all"`` or None for every ordered pair of two modalities. Aliases are
            allowed.
        modalities: Modalities of the run, in order.

    Returns:
        Each pair once, its sources in the order of the run.

    Raises:
        EvaluationError: If a pair cannot be read or has a modality that the run does not have.

    Example:
        >>> [str(pair) for pair in parse_pairs("T1w:T2w,FLAIR+T1w:T2w", ["T1w", "T2w", "FLAIR"])]
        ['T1w:T2w', 'T1w+FLAIR:T2w']
        >>> len(parse_pairs("all", ["T1w", "T2w", "FLAIR"]))
        6
    """
    if text is None or text.strip().lower() == "all":
        return tuple(Pair((source,), target) for source, target in permutations(modalities, 2))
    return tuple(dict.fromkeys(_parse(word.strip(), modalities) for word in text.split(",")))


def _parse(text: str, modalities: Sequence[str]) -> Pair:
    left, colon, right = text.partition(":")
    words = [*left.split("+"), right]
    if not colon or ":" in right or not all(word.strip() for word in words):
        raise EvaluationError(
            f"pair {text!r} cannot be read; write it as T1w:T2w or T1w+T2w:FLAIR, with commas between"
        )
    *sources, target = (_canonical(word.strip(), text, modalities) for word in words)
    if target in sources or len(set(sources)) < len(sources):
        raise EvaluationError(f"pair {text!r} names a modality twice; a target is synthesized from other modalities")
    return Pair(tuple(sorted(sources, key=list(modalities).index)), target)


def _canonical(word: str, text: str, modalities: Sequence[str]) -> str:
    if word in modalities:
        return word
    try:
        name = modality(word).name
    except ValueError:
        name = word
    if name not in modalities:
        raise EvaluationError(f"pair {text!r}: the run knows no {word!r}; {suggest(word, modalities)}")
    return name


def modalities_of(pairs: Iterable[Pair]) -> list[str]:
    """Return the modalities of pairs, each once.

    Example:
        >>> modalities_of([Pair(("T1w",), "T2w"), Pair(("T1w",), "FLAIR")])
        ['T1w', 'T2w', 'FLAIR']
    """
    return list(dict.fromkeys(name for pair in pairs for name in (*pair.sources, pair.target)))


def by_sources(pairs: Iterable[Pair]) -> dict[tuple[str, ...], list[str]]:
    """Group targets by their sources, so that the sources are encoded once for all of them.

    Example:
        >>> by_sources([Pair(("T1w",), "T2w"), Pair(("T1w",), "FLAIR")])
        {('T1w',): ['T2w', 'FLAIR']}
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for pair in pairs:
        groups.setdefault(pair.sources, []).append(pair.target)
    return groups
