"""Names from files, written where they could be commands: to terminals and spreadsheets."""

from __future__ import annotations

import unicodedata

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that a spreadsheet computes
COMMANDS = ("Cc", "Cf", "Cs", "Zl", "Zp")  # categories of letters that a terminal obeys, or that turn the text round


def visible(text: str) -> str:
    r"""Write letters that a terminal would obey as ``\x1b``; new lines and tabs stay.

    Example:
        >>> visible("sub-\x1b[31m01 → T2w")
        'sub-\\x1b[31m01 → T2w'
    """
    return "".join(letter if letter in "\n\t" or not _is_command(letter) else ascii(letter)[1:-1] for letter in text)


def one_line(text: str) -> str:
    r"""Write as `visible`, with new lines and tabs as blanks.

    Example:
        >>> one_line("sub-01\n| T1w")
        'sub-01 | T1w'
    """
    return visible(" ".join(text.splitlines()).replace("\t", " "))


def cell(word: str) -> str:
    """Return a word as a cell of a CSV file that no spreadsheet computes: a formula gets an apostrophe before it.

    Example:
        >>> cell("=cmd()"), cell("sub-01")
        ("'=cmd()", 'sub-01')
    """
    return f"'{word}" if word.lstrip("'").startswith(FORMULA) else word


def word_of(cell: str) -> str:
    """Return the word that `cell` wrote.

    Example:
        >>> word_of("'=cmd()"), word_of("'quoted'")
        ('=cmd()', "'quoted'")
    """
    return cell[1:] if cell.startswith("'") and cell.lstrip("'").startswith(FORMULA) else cell


def _is_command(letter: str) -> bool:
    return unicodedata.category(letter) in COMMANDS
