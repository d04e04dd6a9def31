"""Errors that a user can mend, and the lines that a terminal shows of them."""

from __future__ import annotations

import errno

REMEDIES = {
    errno.ENOENT: "check the path",
    errno.EACCES: "choose a place that you may write to, or change its permissions",
    errno.EROFS: "choose a place that you may write to",
    errno.EEXIST: "choose another place, or move away what is there",
    errno.ENOTDIR: "choose a place that is not below a file",
    errno.ENOSPC: "free some space and run it again; nothing that was finished is lost",
    errno.EDQUOT: "free some space and run it again; nothing that was finished is lost",
}


class UserError(ValueError):
    """Report what the user can mend: the place, the value, the choices, the remedy; a line each."""


class RecipeError(UserError):
    """Report what is wrong in a recipe, one line per mistake."""


def explain(error: Exception) -> list[str] | None:
    """Return lines for the terminal, or None where the error is ours and the traceback should be seen.

    Example:
        >>> explain(FileNotFoundError(2, "No such file or directory", "t1.nii.gz"))
        ['t1.nii.gz: No such file or directory; check the path']
        >>> explain(ZeroDivisionError()) is None
        True
    """
    if isinstance(error, (UserError, FloatingPointError)):
        return str(error).splitlines()
    if isinstance(error, OSError) and error.errno in REMEDIES:
        where = f"{error.filename}: " if error.filename else ""
        return [f"{where}{error.strerror}; {REMEDIES[error.errno]}"]
    return None
