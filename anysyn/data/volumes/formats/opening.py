"""Opening image files: regular files alone, never more bytes than a header promises, any error in one line."""

from __future__ import annotations

import errno
import gzip
import math
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from anysyn.data.errors import VolumeError
from anysyn.data.memory import check_memory

GZIP_RATIO = 1032  # deflate makes no byte more than 1032 of them
GZIP_LEVEL = 1  # noise hardly compresses: higher levels take several times as long to save a few per cent
CHUNK = 1 << 20

_REMEDIES = {
    errno.ENOENT: "check the path",
    errno.EEXIST: "choose another name, or allow replacing it with --overwrite",
    errno.EACCES: "choose a place that you may use, or change its permissions",
    errno.EPERM: "choose a place that you may use, or change its permissions",
    errno.EROFS: "choose a place that can be written",
    errno.ENOSPC: "free some space and run it again; no part of the file was left",
    errno.EDQUOT: "free some space and run it again; no part of the file was left",
    errno.EISDIR: "name a file, not a folder",
    errno.ENOTDIR: "a part of its folder's path is a file; choose another folder",
    errno.ENAMETOOLONG: "choose a shorter name",
}
_FETCHED_BY = {b"/annex/objects/": "datalad get", b"version https://git-lfs": "git lfs pull"}  # by how they begin
_KINDS = {
    stat.S_IFIFO: "pipe",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
    stat.S_IFSOCK: "socket",
}


class Readable(Protocol):
    """What bytes can be read from: a file, or the content of a compressed one."""

    def read(self, size: int, /) -> bytes:
        """Return at most this many bytes, fewer only at the end."""


@contextmanager
def explained(path: Path, name: str = "image") -> Iterator[None]:
    """Turn any error of a damaged file or of the system into a message of one line.

    Args:
        path: The file.
        name: Name of its format.

    Raises:
        VolumeError: In place of the error.
    """
    try:
        with np.errstate(all="ignore"):  # what is not finite is refused, which says more than a warning
            yield
    except VolumeError:
        _check_fetched(path)
        raise
    except gzip.BadGzipFile as error:
        _check_fetched(path)
        raise VolumeError(
            f"{path}: is damaged, or not compressed as its name says ({error}); copy it again or rename it"
        ) from error
    except (EOFError, zlib.error) as error:
        raise VolumeError(f"{path}: is truncated or damaged ({error}); copy or download it again") from error
    except MemoryError as error:
        raise VolumeError(f"{path}: does not fit into the memory; free some, or crop the image") from error
    except OSError as error:
        if error.errno == errno.ENOENT and path.is_symlink():
            raise VolumeError(f"{path}: {_leads_nowhere(path)}") from error
        remedy = _REMEDIES.get(error.errno or 0, "check the disk and the path")
        raise VolumeError(f"{path}: {error.strerror or error}; {remedy}") from error
    except (HeaderDataError, ArithmeticError, LookupError, ValueError, TypeError) as error:
        _check_fetched(path)
        reason = " ".join(str(error).split())
        raise VolumeError(f"{path}: has a damaged {name} header ({reason}); copy or export it again") from error


def _leads_nowhere(link: Path) -> str:
    """Return what is wrong with a broken link: files of DataLad are such links until they are fetched."""
    fetch = "fetch it (datalad get), or " if "annex" in link.readlink().parts else ""
    return f"is a link to a file that is not here; {fetch}mend the link, or remove it if it is not needed"


def _check_fetched(path: Path) -> None:
    """Refuse what git-annex or Git LFS leaves in place of a file that is not fetched yet: a line about it."""
    if not path.is_file():  # it was to be written
        return
    with path.open("rb") as file:
        start = file.read(max(map(len, _FETCHED_BY)))
    for begin, command in _FETCHED_BY.items():
        if start.startswith(begin):
            raise VolumeError(f"{path}: stands for a file that is not here; fetch it ({command})")


def check_regular(path: Path) -> int:
    """Return the size of a file in bytes; refuse a pipe, a device or a socket, which might never end.

    Raises:
        OSError: If it is missing, or a folder.
        VolumeError: If it is no regular file.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "special file")
        raise VolumeError(f"{path}: is a {kind}, not a file with an image; save the image to a file first")
    return status.st_size


def opened(path: Path, *, compressed: bool = False) -> BinaryIO:
    """Open a regular file, or the content of a compressed one, for reading."""
    check_regular(path)
    return gzip.open(path) if compressed else path.open("rb")  # type: ignore[return-value]


def check_promise(path: Path, promised: int, shape: Sequence[int], *, stored: int, compressed: bool) -> None:
    """Hold the size that a header promises against the file and the free memory.

    Args:
        path: The file, for messages.
        promised: Bytes of the voxels and of what stands before them, without compression.
        shape: Voxels along the axes.
        stored: Bytes of the file.
        compressed: Whether these are compressed.

    Raises:
        VolumeError: If the file cannot hold that much, or the memory cannot.
    """
    if promised > (stored * GZIP_RATIO if compressed else stored):
        most = f"can be unpacked to {stored * GZIP_RATIO} at most" if compressed else f"there are {stored}"
        raise VolumeError(
            f"{path}: is truncated or damaged: its header promises {promised} bytes and {most}; "
            "copy or download it again"
        )
    needed = 2 * promised + 12 * math.prod(shape)  # as stored, and twice as numbers while they are scaled
    check_memory(needed, f"{path}: {'x'.join(map(str, shape))} voxels", "crop or downsample it")


def read_exactly(file: Readable, count: int, path: Path, start: bytes = b"") -> bytearray:
    """Read as many bytes as were promised, and go on to the end, where a checksum may be.

    Args:
        file: What is left to read.
        count: Bytes that were promised, with those of ``start``.
        path: The file, for messages.
        start: Bytes that were read already.

    Raises:
        VolumeError: If there are fewer, or more than as many again.
    """
    content, beyond = bytearray(start[:count]), max(0, len(start) - count)
    while chunk := file.read(CHUNK):
        missing = max(0, count - len(content))
        content += chunk[:missing]
        beyond += max(0, len(chunk) - missing)
        if beyond > max(count, CHUNK):
            raise VolumeError(
                f"{path}: holds far more than the {count} bytes that its header promises; export it again"
            )
    if len(content) < count:
        raise VolumeError(
            f"{path}: is truncated: its header promises {count} bytes and there are {len(content)}; "
            "copy or download it again"
        )
    return content


def as_volume(content: bytearray, dtype: np.dtype[np.generic], shape: Sequence[int]) -> NDArray[np.float32]:
    """Return stored voxels, the first axis fastest, as an array (X, Y, Z) of float32.

    Example:
        >>> as_volume(bytearray(range(6)), np.dtype("u1"), (3, 2, 1))[:, :, 0].tolist()
        [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]
    """
    stored = np.frombuffer(content, dtype).reshape(shape, order="F")
    return np.ascontiguousarray(stored, dtype=np.float32)
