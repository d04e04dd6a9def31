"""A lock on a folder: two commands never write into one folder at once."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from anysyn.errors import UserError

LOCK = ".anysyn.lock"  # a file in the folder; it names the process that writes there
MOST = 100_000  # letters of a lock; what is longer is none
DEAD = {"Z", "X"}  # states of a process that has ended and was not collected yet
STATE, STARTED = 0, 19  # fields of /proc/PID/stat behind the name of the process


@contextmanager
def locked(folder: Path, command: str) -> Iterator[None]:
    """Hold the lock of a folder, which is made if it is missing, and then removed again if it is empty at the end.

    The lock names its process, host and the time at which the process started. That of a process that has ended on
    this host is taken over; whether one of another host still runs cannot be known here.

    Args:
        folder: The folder.
        command: What is done there, for the message to others.

    Raises:
        UserError: If another process holds the lock; the message names it, and the lock file where only the user can
            know whether that process still runs.
        OSError: If the folder cannot be written; ``filename`` is its path.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with locked(folder, "anysyn train"):
        ...     (folder / LOCK).is_file()
        True
        >>> list(folder.iterdir())
        []
    """
    fresh = [place for place in (folder, *folder.parents) if not place.exists()]
    path, owner = folder / LOCK, {**_identity(os.getpid()), "command": command}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _take(path, owner)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(folder)) from error
    try:
        yield
    finally:
        _release(path, owner)
        with suppress(OSError):  # one holds something now
            for place in fresh:
                place.rmdir()


def _take(path: Path, owner: Mapping[str, Any]) -> None:
    while True:
        with _guarded(path, os.O_CREAT) as file:
            if not _is_there(file, path):  # its owner has just removed it
                continue
            _check_free(path, file.read(MOST))
            file.seek(0)
            file.truncate()
            file.write(json.dumps(owner))
            return


def _release(path: Path, owner: Mapping[str, Any]) -> None:
    with suppress(OSError), _guarded(path) as file:
        if _is_there(file, path) and _read(file.read(MOST)) == owner:
            path.unlink()


@contextmanager
def _guarded(path: Path, flags: int = 0) -> Iterator[IO[str]]:
    """Open a lock file, never through a link; of several processes only one does so at a time."""
    no_link_no_wait = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, os.O_RDWR | no_link_no_wait | flags, 0o644)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UserError(f"{path} is no lock of anysyn's but a pipe or a device; move it away")
    with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace") as file:
        with suppress(ImportError, OSError):  # some network file systems have no such locks; the window is short
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
        yield file


def _is_there(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _check_free(path: Path, text: str) -> None:
    if not text.strip():  # of a process that ended while it wrote, since nobody else has the file open
        return
    owner, here = _read(text), _identity(os.getpid())
    if not {"pid", "host", "namespace", "started", "command"} <= owner.keys():
        raise UserError(f"{path} is no lock of anysyn's; move it away if you do not need it")
    who = f"process {owner['pid']} on {owner['host']} ({owner['command']})"
    if (owner["host"], owner["namespace"]) != (here["host"], here["namespace"]):
        raise UserError(
            f"{path.parent} is locked by {who}, which cannot be seen from {here['host']}; wait for it or choose "
            f"another folder, or, if it no longer runs, delete {path}"
        )
    if _runs(owner):
        raise UserError(
            f"{path.parent} is locked by {who}, which is still running; wait for it or choose another folder"
        )


def _read(text: str) -> dict[str, Any]:
    try:
        owner = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _identity(pid: int) -> dict[str, Any]:
    """Return what tells a process from all others: a number alone is given again, and counts in its container only."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:  # no Linux
        namespace = ""
    return {"pid": pid, "host": socket.gethostname(), "namespace": namespace, "started": _started(pid)}


def _runs(owner: Mapping[str, Any]) -> bool:
    pid = owner["pid"]
    if not isinstance(pid, int) or not 0 < pid < 2**31:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # a process of another user, which may be hidden from this one
        return _started(pid) in (None, owner["started"])
    return bool(_started(pid) == owner["started"])


def _started(pid: int) -> str | None:
    """Return when a process started, as its system counts; None if it has ended or cannot be seen."""
    if not os.path.exists("/proc/self/stat"):
        said = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return said.stdout.strip() or None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[STATE] in DEAD else fields[STARTED]
