"""Files that TensorBoard reads, written without it: it and what it needs are seven packages, for looking alone."""

from __future__ import annotations

import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from PIL import Image

VERSION = b"brain.Event:2"
CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}


class EventFile:
    """A new file of events, whole after each call.

    Its format is that of TensorFlow: records with check sums around the protocol buffers ``Event`` and ``Summary``.

    Args:
        folder: Where it is made, and the folder too.
        first: Step from which on what earlier files of the folder say is void.

    Example:
        >>> import tempfile
        >>> file = EventFile(Path(tempfile.mkdtemp()), 0)
        >>> file.scalar("training/l1", 0.5, 64)
        >>> file.close()
    """

    def __init__(self, folder: Path, first: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = _new(folder)
        self._event(_bytes(3, VERSION), first)
        self._event(_bytes(7, _whole(1, 1)), first)  # a session starts

    def scalar(self, name: str, value: float, at: int) -> None:
        """Write a number.

        Args:
            name: What it is.
            value: The number.
            at: The step.
        """
        self._value(_bytes(1, name.encode()) + b"\x15" + struct.pack("<f", value), at)

    def picture(self, name: str, path: Path, at: int) -> None:
        """Write a PNG as it is.

        Args:
            name: What it shows.
            path: The PNG, grey, RGB or RGBA.
            at: The step.
        """
        with Image.open(path) as image:
            (width, height), channels = image.size, CHANNELS[image.mode]
        shape = _whole(1, height) + _whole(2, width) + _whole(3, channels)
        self._value(_bytes(1, name.encode()) + _bytes(4, shape + _bytes(4, path.read_bytes())), at)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _value(self, value: bytes, at: int) -> None:
        self._event(_bytes(5, _bytes(1, value)), at)

    def _event(self, what: bytes, at: int) -> None:
        data = b"\x09" + struct.pack("<d", time.time()) + _whole(2, at) + what
        length = struct.pack("<Q", len(data))
        self._file.write(length + _check_sum(length) + data + _check_sum(data))
        self._file.flush()


def _new(folder: Path) -> BinaryIO:
    while True:  # until the time is one that no other process took
        with suppress(FileExistsError):
            return (folder / f"events.out.tfevents.{time.time_ns()}").open("xb")


def _whole(field: int, value: int) -> bytes:
    return _length(field << 3) + _length(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _length(field << 3 | 2) + _length(len(value)) + value


def _length(value: int) -> bytes:
    """Return a whole number in groups of seven bits, the lowest first, each but the last with its eighth bit set."""
    groups = [value & 127]
    while value := value >> 7:
        groups.append(value & 127)
    return bytes([*(group | 128 for group in groups[:-1]), groups[-1]])


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = _table()


def _check_sum(data: bytes) -> bytes:
    """Return the masked CRC-32C, in which a check sum of data that holds check sums is safe."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
