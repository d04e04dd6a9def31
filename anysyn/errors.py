"""Errors that a user can fix, and how a terminal shows them."""

from __future__ import annotations

import errno

REMEDIES = {
    errno.ENOENT: "check the path",
    errno.EACCES: "choose a place that you may write to, or change its permissions",
    errno.EROFS: "choose a place that you may write to",
    errno.EEXIST: "choose another place, or move away what is there",
    errno.ENOTDIR: "choose a place that is not below a file",
    errno.EPERM: "choose a place that you may write to, or change its permissions",
    errno.EISDIR: "name a file instead of a folder",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "its links lead round in a circle; mend them",
    errno.EIO: "the disk or the network drive failed; check it, and copy the file again",
    errno.EMFILE: "too many files are open; raise the limit with `ulimit -n`",
    errno.EFBIG: "the limit on the size of files is reached; raise it with `ulimit -f`, or write to another disk",
    errno.ENOSPC: "free some space and run it again; nothing that was finished is lost",
    errno.EDQUOT: "free some space and run it again; nothing that was finished is lost",
}


class UserError(ValueError):
    """A mistake that the user can fix: place, value, choices and remedy, a line for each mistake."""


class RecipeError(UserError):
    """The mistakes of a recipe, a line each."""


def reason(error: BaseException) -> str:
    r"""Return the first line of what an error says, or else its class.

    Example:
        >>> reason(RuntimeError("no memory\nat line 3")), reason(KeyError())
        ('no memory', 'KeyError')
    """
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def explain(error: Exception) -> list[str] | None:
    """Return the lines that a terminal shows of an error; None for a bug, whose traceback should be shown.

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
