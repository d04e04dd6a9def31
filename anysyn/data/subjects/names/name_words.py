"""The words of a file name, and what they say of its contrast."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from anysyn.data.subjects.names.naming_table import Meaning, NamingTable, atoms_of, folded, joined

LONGEST = 6  # words of the longest entries of the table that separators may part
UNKNOWN, KNOWN = 3, 1  # a word that the table lacks makes a name less plain than a neutral one does
_WORD = re.compile(r"(?<![^\W_])[cC]-(?![^\W_])|(?:^|(?<=[\s_]))-[cC](?![^\W_])|[^\W_]+\*?|\+")
_SPACE_ENTITY = re.compile(r"(?<![^\W_])space-[^\W_]+(?=_)")  # BIDS: the grid of an image, not its contrast
_CAMEL = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+[A-Z]?(?![a-z])|\d+")
_IDENTIFIER = re.compile(r"([a-z]+)(\d{3,})")


def words_of(name: str) -> list[str]:
    """Split a name into words; ``+``, ``C-`` and ``T2*`` are kept, since they mean something.

    Example:
        >>> words_of("sub-01_T1_C-.mid"), words_of("AX T1 +C injecté")
        (['sub', '01', 'T1', 'C-', 'mid'], ['AX', 'T1', '+', 'C', 'injecté'])
    """
    return _WORD.findall(_SPACE_ENTITY.sub("", name))


@dataclass
class NameReading:
    """What the words of a name say.

    Args:
        contrasts: Modalities that are named, without those that another one includes.
        said: The words that say so.
        agent: Words that say that a contrast agent was given.
        no_agent: Words that say that none was given.
        none: What an image of no contrast is, by the word that says so.
        unclear: What may be one of several contrasts, by the word that says so.
        extra: How far the name is from the plainest one: `UNKNOWN` for a word that the table lacks, `KNOWN` for another
            one that says nothing of the contrast, or a number.
        unknown: Number of words and numbers that the table lacks.
    """

    contrasts: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    agent: list[str] = field(default_factory=list)
    no_agent: list[str] = field(default_factory=list)
    none: dict[str, str] = field(default_factory=dict)
    unclear: dict[str, str] = field(default_factory=dict)
    extra: int = 0
    unknown: int = 0


def read_name(words: Sequence[str], table: NamingTable) -> NameReading:
    """Return what the words of a name say.

    Args:
        words: Words, or several that are glued or joined by separators, as in ``"AxT1Post"``.
        table: The naming table.

    Example:
        >>> from anysyn.data.subjects.names.naming_table import naming_table
        >>> reading = read_name(["AxT1", "post"], naming_table())
        >>> reading.contrasts, reading.agent, reading.extra
        (['T1w'], ['post'], 1)
    """
    reading = NameReading()
    alone: list[str] = []
    negated = False
    for word, meaning in _meanings(words, table):
        kind = meaning.kind if meaning else "unknown"
        if meaning and meaning.is_contrast:
            (alone if kind == "alone" else reading.contrasts).append(meaning.what)
            reading.said.append(word)
        if kind in ("without", "both", "no_agent"):
            reading.no_agent.append(word)
        if kind in ("after", "both") or (kind == "agent" and not negated):
            reading.agent.append(word)
        if kind in ("none", "unclear"):
            (reading.none if kind == "none" else reading.unclear).setdefault(word, meaning.what if meaning else "")
        if kind in ("neutral", "unclear", "unknown"):
            reading.unknown += kind == "unknown"
            reading.extra += UNKNOWN if kind == "unknown" and not word.isdigit() else KNOWN
        negated = kind == "without" or (negated and kind in ("agent", "filler"))
    reading.contrasts = _most_special(reading.contrasts or alone, table)
    return reading


def _most_special(names: Sequence[str], table: NamingTable) -> list[str]:
    different = list(dict.fromkeys(names))
    return [name for name in different if not any(table.refines(other, name) for other in different)]


def _meanings(words: Sequence[str], table: NamingTable) -> Iterator[tuple[str, Meaning | None]]:
    """Yield the longest runs of words that the table has, with what they mean, and every other word."""
    atoms = [atom for word in words for part in _WORD.findall(word) for atom in _atoms(part, table)]
    atoms = _with_phrases(atoms, table)
    start = 0
    while start < len(atoms):
        ends = range(min(len(atoms), start + LONGEST), start, -1)
        found = ((end, _run(atoms[start:end], table)) for end in ends)
        end, meaning = next(((end, meaning) for end, meaning in found if meaning), (start + 1, None))
        yield " ".join(atoms[start:end]), meaning
        start = end


def _with_phrases(atoms: Sequence[str], table: NamingTable) -> list[str]:
    """Join the words of phrases about an agent, before a contrast takes the first: "T1 w/o gad" is no T1w and "o"."""
    merged, start = list[str](), 0
    while start < len(atoms):
        ends = range(min(len(atoms), start + LONGEST), start + 1, -1)
        end = next((end for end in ends if _is_phrase(atoms[start:end], table)), start + 1)
        merged.append("".join(atoms[start:end]))
        start = end
    return merged


def _is_phrase(atoms: Sequence[str], table: NamingTable) -> bool:
    meaning = table.words.get("".join(atoms))
    return meaning is not None and meaning.is_about_agent and not any(atom.isdigit() for atom in atoms)


def _run(atoms: Sequence[str], table: NamingTable) -> Meaning | None:
    """Return what words mean in a row; "CT 1" is not CT1, and "T1 post" would hide "post op"."""
    meaning = table.words.get("".join(atoms))
    if len(atoms) == 1 or meaning is None:
        return meaning
    if tuple(atoms) not in table.phrases and any(atom.isdigit() for atom in atoms):
        return None
    parts = (table.words.get(atom) for atom in atoms)
    hides = meaning.is_contrast and any(part is not None and part.is_about_agent for part in parts)
    return None if hides else meaning


def _atoms(part: str, table: NamingTable) -> list[str]:
    """Split a word that is several glued together, if the table has them: "AxT1Post", "t1ce2", "3DFLAIR"."""
    plain = joined(part)
    if plain in table.words or plain.isdigit():
        return [plain]
    identifier = _IDENTIFIER.fullmatch(plain)
    if identifier:  # "CE001" and "T1003" are people, "FLAIR001" is not
        known = table.words.get(identifier[1])
        return [*identifier.groups()] if known and known.is_contrast and len(identifier[1]) > 2 else [plain]
    return _glued(plain, table) or _camel(part, table) or list(atoms_of(part))


def _camel(part: str, table: NamingTable) -> list[str]:
    pieces = _CAMEL.findall(folded(part).replace("*", "star"))
    if len(pieces) < 2 or any(len(piece) < 2 or re.fullmatch("[A-Z][a-z]", piece) for piece in pieces[1:]):
        return []  # "3DpCASL" has no "Dp"
    split = [_glued(piece.lower(), table) or [piece.lower()] for piece in pieces]
    return [atom for atoms in split for atom in atoms] if any(atoms[0] in table.words for atoms in split) else []


def _glued(plain: str, table: NamingTable) -> list[str]:
    """Return the fewest words of the table, and numbers of one or two digits, that a word is made of."""
    best: dict[int, list[str]] = {0: []}
    for end in range(1, len(plain) + 1):
        pieces = [(best[start], plain[start:end]) for start in sorted(best, reverse=True)]  # "rest 1", not "res T1"
        ways = [[*atoms, piece] for atoms, piece in pieces if _may_follow(atoms, piece, table)]
        if ways:
            best[end] = min(ways, key=len)
    atoms = best.get(len(plain), [])
    return atoms if _is_sound(atoms, table) else []


def _may_follow(atoms: Sequence[str], piece: str, table: NamingTable) -> bool:
    if piece.isdigit():  # "T12" is a vertebra
        return len(piece) <= 2 and bool(atoms) and not atoms[-1][-1].isdigit()
    return piece in table.words


def _is_sound(atoms: Sequence[str], table: NamingTable) -> bool:
    """Return whether glued words are no accident: "face" is not FA and CE, "tract" is not transversal CT."""
    known = [table.words[atom] for atom in atoms if atom in table.words]
    if len(known) == 1:
        return len(atoms[0]) > 2 or known[0].is_contrast

    def is_named(atom: str) -> bool:
        return atom in table.words and table.words[atom].is_contrast

    # such as "t1" or "flair", which no other word contains
    sure = [bool(re.search(r"[a-z]\d|\d[a-z]", atom)) or (len(atom) > 3 and is_named(atom)) for atom in atoms]
    short = (i for i, atom in enumerate(atoms) if len(atom) <= 2 and not atom.isdigit())
    if all(meaning.is_about_agent for meaning in known) and len(known) == len(atoms):
        return any(len(atom) > 2 for atom in atoms)
    return any(map(is_named, atoms)) and all(any(sure[max(0, i - 1) : i + 2]) for i in short)
