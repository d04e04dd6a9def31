"""The files of a folder or a ZIP, bounded in number and size."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anysyn.scans.dicom.errors import DicomError

MOST_FILES = 100_000
MOST_BYTES = 20 * 2**30  # of an unpacked ZIP
TIMES_PACKED = 200  # a ZIP that grows beyond this was made to fill a disk: DICOM packs to a tenth at best


@contextmanager
def dicom_files(source: Path) -> Iterator[list[Path]]:
    """Yield the regular files of a folder, of a ZIP, or a single file, sorted; those of a ZIP exist until the end.

    A ZIP is unpacked to numbered files, so no name in it leads anywhere, and only after its sizes were checked.

    Args:
        source: The folder, the ZIP or one DICOM file. Links are not followed.

    Raises:
        DicomError: If it is missing, empty, too large, encrypted or no ZIP.

    Example:
        >>> folder = Path(tempfile.mkdtemp())
        >>> with zipfile.ZipFile(folder / "scans.zip", "w") as archive:
        ...     archive.writestr("../../IM0001", b"pixels")
        >>> with dicom_files(folder / "scans.zip") as files:
        ...     [(path.name, path.read_bytes()) for path in files]
        [('000000', b'pixels')]
    """
    if source.suffix.lower() == ".zip" and source.is_file():
        with tempfile.TemporaryDirectory(prefix="anysyn-") as folder:
            yield _unpacked(source, Path(folder))
    elif source.exists():
        yield [source] if source.is_file() else _listed(source)
    else:
        raise DicomError(f"{source}: does not exist; check the path")


def begins_as_dicom(path: Path) -> bool:
    """Tell whether a file begins as DICOM does: 128 bytes of anything, then four letters."""
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _listed(folder: Path) -> list[Path]:
    files: list[Path] = []
    for place, _, names in os.walk(folder):
        paths = (Path(place, name) for name in names if not name.startswith("."))
        files += [path for path in paths if path.is_file() and not path.is_symlink()]
        if len(files) > MOST_FILES:
            raise DicomError(f"{folder}: has more than {MOST_FILES} files; name the folder of one examination")
    if not files:
        raise DicomError(f"{folder}: has no files; check the path")
    return sorted(files)


def _unpacked(source: Path, folder: Path) -> list[Path]:
    try:
        with zipfile.ZipFile(source) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            _check(source, members, shutil.disk_usage(folder).free)
            return [_unpack(archive, member, folder / f"{n:06}") for n, member in enumerate(members)]
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise DicomError(
            f"{source}: is no readable ZIP ({error}); pack it again, or unpack it and name the folder"
        ) from (error)


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Path:
    with archive.open(member) as packed, path.open("xb") as file:
        left = member.file_size  # what was checked, whatever the stream holds
        while left > 0 and (block := packed.read(min(left, 2**20))):
            file.write(block)
            left -= len(block)
    return path


def _check(source: Path, members: list[zipfile.ZipInfo], free: int) -> None:
    size, packed = sum(member.file_size for member in members), source.stat().st_size
    most = min(MOST_BYTES, TIMES_PACKED * packed, free)
    if not members:
        raise DicomError(f"{source}: holds no files; check that it is the right ZIP")
    if len(members) > MOST_FILES or size > most:
        raise DicomError(
            f"{source}: would unpack to {len(members):,} files of {size:,} bytes, and {MOST_FILES:,} files of {most:,} "
            "bytes are possible here; unpack it and name the folder of one examination"
        )
    if any(member.flag_bits & 1 for member in members):
        raise DicomError(f"{source}: is encrypted; unpack it with its password and name the folder")
