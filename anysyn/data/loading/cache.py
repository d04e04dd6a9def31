"""A cache of prepared studies on disk, named by content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import NamedTuple

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from anysyn.data.errors import CacheError
from anysyn.files import replacing

_NAME = 40 * "[0-9a-f]"
FILES = (f"{_NAME}.safetensors", f"contents/{_NAME}")  # what a cache writes into its folder, as globs
FORMAT = 2  # increased whenever the same files and steps give other prepared images


class Entry(NamedTuple):
    """Cached tensors by name, and notes."""

    tensors: Mapping[str, Tensor]
    notes: Mapping[str, str]


class Cache:
    """Folder of entries, one file each, read memory-mapped.

    An entry is written whole or not at all, so several processes may share the folder; a damaged one is made anew.

    Args:
        folder: Its path; made if it is missing.

    Raises:
        CacheError: If the folder cannot be made.

    Example:
        >>> import tempfile, torch
        >>> cache = Cache(Path(tempfile.mkdtemp()))
        >>> make = lambda: Entry({"x": torch.ones(2)}, {"unit": "HU"})
        >>> cache.get("a name", make).notes, cache.get("a name", lambda: None).tensors["x"].tolist()
        ({'unit': 'HU'}, [1.0, 1.0])
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._contents = self.folder / "contents"
        try:
            self._contents.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def get(self, name: str, make: Callable[[], Entry]) -> Entry:
        """Return the entry of a name; the first call makes it.

        Args:
            name: Everything that the entry depends on, for example a `content` and the steps.
            make: Makes the entry.

        Raises:
            CacheError: If the folder cannot be read or written, or the disk is full.
        """
        path = self.folder / f"{_digest(FORMAT, name)}.safetensors"
        if entry := _read(path):
            return entry
        fresh = make()
        _write(path, save({k: t.contiguous() for k, t in fresh.tensors.items()}, dict(fresh.notes)))
        entry = _read(path)
        if entry is None:
            raise CacheError(f"{path}: cannot be read back after it was written; set data.cache to another folder")
        return entry

    def content(self, path: str | Path) -> str:
        """Return a digest of the bytes of a file, computed again if its size or modification time changes."""
        path = Path(path).resolve()
        stat = path.stat()
        known = self._contents / _digest(path, stat.st_size, stat.st_mtime_ns)
        if known.is_file() and len(digest := known.read_text()) == 64:
            return digest
        with path.open("rb") as file:
            digest = file_digest(file, lambda: blake2b(digest_size=32)).hexdigest()
        _write(known, digest.encode())
        return digest


def _digest(*words: object) -> str:
    return blake2b("\0".join(map(str, words)).encode(), digest_size=20).hexdigest()


def _read(path: Path) -> Entry | None:
    try:
        with safe_open(path, framework="pt") as file:
            return Entry({key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {})  # noqa: SIM118
    except (FileNotFoundError, SafetensorError):
        return None
    except OSError as error:
        raise _unusable(path, error) from error


def _write(path: Path, data: bytes) -> None:
    try:
        with replacing(path, overwrite=True) as file:
            file.write(data)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> CacheError:
    reason = f"cannot keep prepared images: {error.strerror or error}"
    return CacheError(f"{path}: {reason}; free space, or choose another folder (data.cache)")
