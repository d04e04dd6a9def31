"""The cache of prepared images, one for all runs of a user; how they are packed is in `prepared_subject.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from anysyn.data.errors import CacheError
from anysyn.files import replacing

_NAME = 40 * "[0-9a-f]"
FILES = (f"{_NAME}.safetensors", f"contents/{_NAME}")  # what a cache writes into its folder, as globs
CHECKSUM = "checksum"  # note of an entry that is the cache's own
FORMAT = 4  # increased whenever the same files and steps give other prepared images


class Entry(NamedTuple):
    """Cached tensors by name, notes, and the file that holds them once they are written."""

    tensors: Mapping[str, Tensor]
    notes: Mapping[str, str]
    path: Path | None = None


def user_cache() -> Path:
    """Return the folder of prepared images that all runs of a user share unless `data.cache` names another."""
    return Path.home() / ".cache" / "anysyn"


@dataclass(frozen=True)
class Contents:
    """What a cache holds.

    Args:
        files: All files of its own; others in its folder are not among them.
        size: Their bytes.
    """

    files: tuple[Path, ...]
    size: int

    def line(self, folder: Path, deleted: bool) -> str:
        """Return a line that says how much there is, or was.

        Example:
            >>> Contents((), 0).line(Path("cache"), deleted=False)
            'cache: 0 prepared subjects, 0.0 MB'
        """
        entries = sum(path.suffix == ".safetensors" for path in self.files)
        return f"{folder}: {'deleted ' * deleted}{entries} prepared subjects, {self.size / 1e6:.1f} MB"


def contents_of(folder: Path) -> Contents:
    """Find the files of a cache, of this and of earlier versions; a folder that is missing holds none.

    Example:
        >>> import tempfile
        >>> contents_of(Path(tempfile.mkdtemp()))
        Contents(files=(), size=0)
    """
    files = tuple(path for glob in FILES for path in sorted(folder.glob(glob)) if path.is_file())
    return Contents(files, sum(path.stat().st_size for path in files))


def clear(folder: Path) -> Contents:
    """Delete the files of a cache and nothing else, and return what they were; a run that reads them keeps them open.

    Raises:
        CacheError: If one cannot be deleted.
    """
    found = contents_of(folder)
    for path in found.files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise CacheError(f"{path}: cannot be deleted: {error.strerror or error}; check its permissions") from error
    return found


class Cache:
    """Folder of entries, one file each, read memory-mapped.

    An entry is written whole or not at all, so several processes may share the folder. Each holds the checksum of its
    bytes, which is compared the first time that this object reads it; a damaged one is made anew.

    Args:
        folder: Its path; made if it is missing.
        anew: Whether to make each entry once more, whatever the folder holds.

    Raises:
        CacheError: If the folder cannot be made.

    Example:
        >>> import tempfile, torch
        >>> cache = Cache(Path(tempfile.mkdtemp()))
        >>> make = lambda: Entry({"x": torch.ones(2)}, {"unit": "HU"})
        >>> cache.get("a name", make).notes, cache.get("a name", lambda: None).tensors["x"].tolist()
        ({'unit': 'HU'}, [1.0, 1.0])
    """

    def __init__(self, folder: str | Path, *, anew: bool = False) -> None:
        self.folder, self.anew = Path(folder), anew
        self._contents = self.folder / "contents"
        self._verified = set[Path]()
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # images of people
            self._contents.mkdir(exist_ok=True)
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
        trusted = path in self._verified or not self.anew
        if trusted and (entry := self._sound(path)):
            return entry
        fresh = make()
        tensors = {key: tensor.contiguous() for key, tensor in fresh.tensors.items()}
        _write(path, save(tensors, {**fresh.notes, CHECKSUM: _checksum(Entry(tensors, fresh.notes))}))
        entry = self._sound(path)
        if entry is None:
            raise CacheError(f"{path}: cannot be read back after it was written; choose another folder (--cache)")
        return entry

    def _sound(self, path: Path) -> Entry | None:
        """Return an entry whose bytes are those that were written, or None."""
        entry = read_entry(path)
        if entry is None:
            return None
        notes = dict(entry.notes)
        written = notes.pop(CHECKSUM, "")
        entry = Entry(entry.tensors, notes, path)
        if path not in self._verified and written != _checksum(entry):
            return None
        self._verified.add(path)
        return entry

    def content(self, path: str | Path) -> str:
        """Return a digest of the bytes of a file, computed again if its size, times or place on the disk change.

        The change time and the inode count, too: a copy that keeps size and modification time has others.

        Args:
            path: The file.
        """
        path = Path(path).resolve()
        stat = path.stat()
        known = self._contents / _digest(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
        if not self.anew and known.is_file() and known.stat().st_size == 64 and len(digest := known.read_text()) == 64:
            return digest
        with path.open("rb") as file:
            digest = file_digest(file, lambda: blake2b(digest_size=32)).hexdigest()
        _write(known, digest.encode())
        return digest


def _digest(*words: object) -> str:
    return blake2b("\0".join(map(str, words)).encode(), digest_size=20).hexdigest()


def _checksum(entry: Entry) -> str:
    """Return a digest of the values, shapes, types and notes of an entry."""
    digest = blake2b(repr(sorted(entry.notes.items())).encode(), digest_size=20)
    for name, tensor in sorted(entry.tensors.items()):
        digest.update(repr((name, tuple(tensor.shape), tensor.dtype)).encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def read_entry(path: Path) -> Entry | None:
    """Open the file of an entry, memory-mapped and unchecked; None if it is not there or damaged.

    Raises:
        CacheError: If the disk cannot be read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return Entry({key: file.get_tensor(key) for key in file.keys()}, file.metadata() or {}, path)  # noqa: SIM118
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
    return CacheError(f"{path}: {reason}; free space, or choose another folder (--cache, data.cache)")
