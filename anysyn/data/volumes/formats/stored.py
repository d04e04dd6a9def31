"""Voxels behind a text header, as in MetaImage and NRRD: in the same file or one beside it, packed or not."""

# Not read by ITK 5.4: 81 of 4,000 damaged MetaImages killed the process, 87 came back as unset memory without an error;
# 3 of 6,000 NRRDs killed it (a long line or path within an error message), and 20 (patterns of files) hung for 10 s.

from __future__ import annotations

import math
import zlib
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from anysyn.data.errors import VolumeError
from anysyn.data.volumes.formats.format import Format, Header
from anysyn.data.volumes.formats.opening import (
    CHUNK,
    as_volume,
    check_promise,
    check_regular,
    explained,
    opened,
    read_exactly,
)

HEADER_BYTES = 1 << 20  # the longest text header that is read
MILLIMETRES = {"um": 1e-3, "µm": 1e-3, "micron": 1e-3, "microns": 1e-3, "mm": 1.0, "cm": 10.0, "m": 1e3}
GZIP_OR_ZLIB = 47  # zlib's word for: either, whichever it is


@dataclass(frozen=True)
class Stored:
    """Where the voxels of an image lie, and how they are stored.

    Args:
        file: File with the voxels.
        start: Byte in it where they begin; None for as many bytes at its end as they need.
        dtype: Type with its byte order.
        shape: Length of all axes, the fastest first.
        packed: Whether they are compressed, by zlib or gzip.
    """

    file: Path
    start: int | None
    dtype: np.dtype[np.generic]
    shape: tuple[int, ...]
    packed: bool


class TextHeader(Format):
    """A format whose header is text that says where its voxels lie: in the same file or one beside it."""

    @abstractmethod
    def parse(self, path: Path) -> tuple[Header, Stored]:
        """Return what the header says of the image and of where its voxels lie; a `VolumeError` if it is wrong."""

    def read_header(self, path: Path) -> Header:
        """Read and check the header alone."""
        with explained(path, self.name):
            return self.parse(path)[0]

    def read(self, path: Path) -> tuple[NDArray[np.float32], Header]:
        """Read the voxels (X, Y, Z) and the header."""
        with explained(path, self.name):
            header, stored = self.parse(path)
            return read_stored(stored, path, header.shape), header

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return the header's file, and that of the voxels if it is another one."""
        with explained(path, self.name):
            file = self.parse(path)[1].file
            return (path,) if file == path else (path, file)


def read_stored(stored: Stored, path: Path, volume: Sequence[int]) -> NDArray[np.float32]:
    """Read voxels (X, Y, Z).

    Args:
        stored: Where they are.
        path: The image, for messages.
        volume: The three axes with voxels, whose product is that of all axes.

    Raises:
        VolumeError: If the file is shorter than it promises, damaged or beyond the memory.
    """
    promised = math.prod(stored.shape) * stored.dtype.itemsize
    size = check_regular(stored.file)
    start = size - promised if stored.start is None else stored.start
    check_promise(path, promised, volume, stored=size - max(0, start), compressed=stored.packed)
    with opened(stored.file) as file:
        file.seek(start)
        content = read_exactly(Unpacked(file) if stored.packed else file, promised, path)
    return as_volume(content, stored.dtype, volume)


class Unpacked:
    """The content of a compressed part of a file, a piece at a time.

    Args:
        file: Open where the part begins; what follows the part is not read as its content.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._inflate = file, zlib.decompressobj(GZIP_OR_ZLIB)

    def read(self, size: int, /) -> bytes:
        """Return at most this many bytes; an `EOFError` if the file ends before the compressed part does."""
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._file.read(CHUNK)
            if not packed:
                raise EOFError("the compressed voxels end too early")
            if content := self._inflate.decompress(packed, size):
                return content
        return self._next_member(size)

    def _next_member(self, size: int) -> bytes:
        rest = self._inflate.unused_data or self._file.read(CHUNK)
        if rest[:2] != b"\x1f\x8b":  # gzip allows several parts in a row
            return b""
        self._inflate = zlib.decompressobj(GZIP_OR_ZLIB)
        return self._inflate.decompress(rest, size) or self.read(size)


def beside(path: Path, name: str) -> Path:
    """Return the file of voxels that a header names; it has to lie in the header's folder or below.

    Example:
        >>> beside(Path("in/t1.mhd"), "t1.raw").as_posix()
        'in/t1.raw'
        >>> beside(Path("in/t1.mhd"), "../../secret")
        Traceback (most recent call last):
        anysyn.data.errors.VolumeError: in/t1.mhd: keeps its voxels in '../../secret', which is not in its folder; ...
    """
    relative = Path(name.replace("\\", "/"))
    if not name or relative.is_absolute() or ".." in relative.parts or {"\0", ":"} & set(name):
        raise VolumeError(
            f"{path}: keeps its voxels in {name!r}, which is not in its folder; put both into one folder, or save the "
            "image as one file"
        )
    return path.parent / relative


def floats(text: str, count: int, what: str) -> NDArray[np.float64]:
    """Return the numbers of a header's line.

    Example:
        >>> floats("1 0.5 2", 3, "ElementSpacing").tolist()
        [1.0, 0.5, 2.0]
    """
    words = text.split()
    if len(words) != count:
        raise ValueError(f"{what} has {len(words)} numbers, and {count} are needed")
    return np.array([float(word) for word in words])


def sizes(text: str, count: int, what: str) -> tuple[int, ...]:
    """Return the lengths of axes of a header's line, none beyond what a file can hold.

    Example:
        >>> sizes("4 5 6", 3, "DimSize")
        (4, 5, 6)
    """
    words = text.split()
    if len(words) != count:
        raise ValueError(f"{what} has {len(words)} numbers, and {count} are needed")
    lengths = tuple(int(word) for word in words if len(word) < 16)
    if len(lengths) != count:
        raise ValueError(f"{what} is beyond any image")
    return lengths


def read_start(path: Path) -> bytes:
    """Read the beginning of a file, long enough for any header."""
    with opened(path) as file:
        return file.read(HEADER_BYTES)


def plain(number: float) -> str:
    """Write a number so that it is read back to the bit.

    Example:
        >>> plain(1.0), plain(-0.0), plain(0.1)
        ('1', '0', '0.1')
    """
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(float(number))
