"""Reading of small files that anybody may have put there: no pipe, no device, nothing that fills the memory."""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

from anysyn.errors import UserError

MOST_JSON = 20_000_000  # bytes: as objects they take some thirty times as much
MOST_DIGITS = 30  # of a whole number; more are read as a float


def read_regular(path: Path, most: int) -> bytes:
    """Read a regular file of at most so many bytes.

    Args:
        path: The file.
        most: Bytes that it may have.

    Raises:
        OSError: If it cannot be opened.
        UserError: If it is a pipe, a device or a folder, or larger.

    Example:
        >>> import tempfile
        >>> fifo = Path(tempfile.mkdtemp()) / "sidecar.json"
        >>> os.mkfifo(fifo)
        >>> try:
        ...     read_regular(fifo, 100)
        ... except UserError as error:
        ...     print(str(error).removeprefix(f"{fifo}: "))
        is not a regular file; replace it with one
    """
    descriptor = _opened(path)
    try:
        about = os.fstat(descriptor)
        if about.st_size > most:
            raise UserError(f"{path}: has {about.st_size:,} bytes, and at most {most:,} are read; shorten it")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(about.st_size)  # files of the kernel state no size, and never end
    finally:
        os.close(descriptor)


def check_regular(path: Path) -> None:
    """Refuse what is no regular file, which a library would wait for or read without end.

    Raises:
        OSError: If it cannot be opened for reading.
        UserError: If it is a pipe, a device or a folder.

    Example:
        >>> check_regular(Path("/dev/zero"))
        Traceback (most recent call last):
        anysyn.errors.UserError: /dev/zero: is not a regular file; replace it with one
    """
    os.close(_opened(path))


def _opened(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError(f"{path}: is not a regular file; replace it with one")
    return descriptor


def read_json(path: Path, *, most: int = MOST_JSON) -> Any:
    """Read JSON that somebody else wrote; numbers that are not finite become None, which is what JSON can hold.

    Args:
        path: The file, in UTF-8.
        most: Bytes that it may have.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is not a regular file, too large, or no JSON; the message quotes nothing of it.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "sidecar.json"
        >>> _ = path.write_text('{"EchoTime": 1e400, "FlipAngle": NaN, "EchoNumber": 2, "Rows": %s}' % ("9" * 5000))
        >>> read_json(path)
        {'EchoTime': None, 'FlipAngle': None, 'EchoNumber': 2, 'Rows': None}
    """
    text = read_regular(path, most).decode("utf-8-sig")
    try:
        return json.loads(text, parse_constant=lambda _: None, parse_float=_finite, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _finite(digits: str) -> float | None:
    return number if math.isfinite(number := float(digits)) else None


def _whole(digits: str) -> int | float | None:
    return int(digits) if len(digits) <= MOST_DIGITS else _finite(digits)
