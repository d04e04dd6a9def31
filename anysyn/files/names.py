"""Names that become a part of a path: each is one file or folder, and never leads anywhere else."""

from __future__ import annotations

from anysyn.errors import UserError

LONGEST = 120  # bytes; a file system allows 255, of which prefixes and endings need some
SEPARATORS = "/\\"


def check_name(name: object, where: str) -> str:
    r"""Return a name that can be one file or folder.

    Args:
        name: The name.
        where: The place that it was read from, for the message.

    Raises:
        UserError: If it is empty, has a separator of paths or a control character, begins with a dot, or is too long.

    Example:
        >>> check_name("synthesis", "stages.0.name")
        'synthesis'
        >>> check_name("../victim", "stages.0.name")
        Traceback (most recent call last):
        anysyn.errors.UserError: stages.0.name: '../victim' names a file and has '/' in it; choose a name without
        >>> check_name("..", "subject")
        Traceback (most recent call last):
        anysyn.errors.UserError: subject: '..' names a file and begins with a dot; choose another name
    """
    text = str(name)
    fault = _fault(text)
    if fault:
        shown = repr(text if len(text) <= LONGEST else f"{text[:40]}...")
        raise UserError(f"{where}: {shown} {fault}")
    return text


def check_names(key: str, where: str) -> str:
    """Return a key whose components, between slashes, can each be one file or folder, for example ``BraTS/0042``.

    Raises:
        UserError: As `check_name`.

    Example:
        >>> check_names("BraTS/0042", "subject")
        'BraTS/0042'
    """
    for name in key.split("/"):
        check_name(name, where if name == key else f"{where} {key[:LONGEST]!r}")
    return key


def _fault(text: str) -> str | None:
    if not text.strip():
        return "names a file and is empty; choose a name"
    separator = next((mark for mark in SEPARATORS if mark in text), None)
    if separator:
        return f"names a file and has {separator!r} in it; choose a name without"
    if not text.isprintable():
        return "names a file and has a character that cannot be printed; choose another name"
    if text.startswith("."):
        return "names a file and begins with a dot; choose another name"
    size = len(text.encode(errors="surrogateescape"))
    return f"names a file and has {size} bytes, at most {LONGEST}; choose a shorter name" if size > LONGEST else None
