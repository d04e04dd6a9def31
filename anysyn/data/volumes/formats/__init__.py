"""File formats of volumes, one module each: a new one is a `Format`, listed in `FORMATS` below."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anysyn.data.errors import VolumeError
from anysyn.data.volumes.formats.format import Format, Header
from anysyn.data.volumes.formats.metaimage import MetaImage
from anysyn.data.volumes.formats.mgh import Mgh
from anysyn.data.volumes.formats.nifti import Nifti
from anysyn.data.volumes.formats.nrrd import Nrrd
from anysyn.data.volumes.formats.opening import explained
from anysyn.files import replacing

DESCRIPTION_BYTES = 79  # what a NIfTI header holds

FORMATS: tuple[Format, ...] = (Nifti(), MetaImage(), Nrrd(), Mgh())
SUFFIXES = tuple(suffix for form in FORMATS for suffix in form.suffixes)


def is_volume(path: Path) -> bool:
    """Tell whether a file is a volume by its name.

    Example:
        >>> is_volume(Path("T1.NII.GZ")), is_volume(Path("t1.dcm"))
        (True, False)
    """
    return path.name.lower().endswith(SUFFIXES)


def format_of(path: Path) -> Format:
    """Return the format of a file, by its name.

    Raises:
        VolumeError: If no format has this ending.

    Example:
        >>> format_of(Path("T1w.mha")).name
        'MetaImage'
    """
    name = path.name.lower()
    for form in FORMATS:
        if name.endswith(form.suffixes):
            return form
    raise VolumeError(
        f"{path}: does not end in {', '.join(SUFFIXES)}; convert DICOM with dcm2niix, others with nibabel or SimpleITK"
    )


def read_header(path: Path) -> Header:
    """Read and check the header of a volume alone, in about a millisecond.

    Raises:
        VolumeError: If the file is missing or damaged, or the header is not that of one grey volume with an affine.
    """
    return format_of(path).read_header(path)


def read_voxels(path: Path) -> tuple[NDArray[np.float32], Header]:
    """Read a volume; trailing axes of length one are dropped, and a single slice becomes a volume of one slice.

    Returns:
        Voxels (X, Y, Z) as they are, and the header.

    Raises:
        VolumeError: As for the header, and if the file is truncated or damaged, or does not fit into the memory.
    """
    return format_of(path).read(path)


def write_voxels(
    voxels: NDArray[np.float32],
    affine: NDArray[np.float64],
    path: Path,
    *,
    source: Header | None = None,
    description: str = "",
    overwrite: bool = False,
) -> None:
    """Write a volume in the format of its name; the file is whole or not there.

    Args:
        voxels: (X, Y, Z), written as float32.
        affine: (4, 4), voxel to world in mm, RAS+.
        path: The file; a missing folder is made.
        source: Header of the file that the grid is from, of any format.
        description: At most 79 bytes, written into the header.
        overwrite: Whether an existing file may be replaced.

    Raises:
        VolumeError: If the name's ending cannot be written, the file exists, or it cannot be written.
        ValueError: If the description is too long.
    """
    form = check_written(path)
    if len(description.encode()) > DESCRIPTION_BYTES:
        raise ValueError(f"description {description!r} is longer than {DESCRIPTION_BYTES} bytes")
    compress = path.name.lower().endswith((".gz", ".mgz"))
    with explained(path, form.name), replacing(path, overwrite=overwrite) as file:
        form.write(file, voxels, affine, source=source, description=description, compress=compress)


def check_written(path: Path) -> Format:
    """Return the format of a file to be written; a `VolumeError` if files of its name are only read.

    Example:
        >>> check_written(Path("t2.mhd"))
        Traceback (most recent call last):
        anysyn.data.errors.VolumeError: t2.mhd: is written as one file; let its name end in .mha
    """
    form = format_of(path)
    if not path.name.lower().endswith(form.written):
        raise VolumeError(f"{path}: is written as one file; let its name end in {', '.join(form.written)}")
    return form


def volumes_in(folder: Path) -> Iterator[Path]:
    """Yield the visible volumes of a folder, in the order of their names.

    Files that have ``.nii`` in their name and another ending, such as ``.nii.zst``, count: reading them says why not.

    Args:
        folder: The folder; one that is missing has none.
    """
    for path in sorted(folder.glob("*")):
        if not path.name.startswith(".") and (is_volume(path) or ".nii" in path.name.lower()):
            yield path


def files_of(path: Path) -> tuple[Path, ...]:
    """Return the files of a volume: itself, and for a header with its voxels in another file that one as well.

    Raises:
        VolumeError: If such a header cannot be read.

    Example:
        >>> [file.name for file in files_of(Path("T1w.nii.gz"))]
        ['T1w.nii.gz']
    """
    return format_of(path).files(path)


def suffix_like(path: Path) -> str:
    """Return the ending of a new file in the format of another one.

    Example:
        >>> suffix_like(Path("t1.nii")), suffix_like(Path("t1.mhd"))
        ('.nii.gz', '.mha')
    """
    return format_of(path).written[0]


def stem(path: Path) -> str:
    """Return the name of a volume, or of its sidecar, without the ending.

    Example:
        >>> [stem(Path(name)) for name in ("sub-01_T1w.nii.gz", "T1.NII", "T1w.mha", "T1w.json")]
        ['sub-01_T1w', 'T1', 'T1w', 'T1w']
    """
    name = path.name
    ending = next((suffix for suffix in (*SUFFIXES, ".json") if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(ending)]


def sidecar_path(path: Path) -> Path:
    """Return the path of the JSON beside a volume.

    Example:
        >>> sidecar_path(Path("out/t2.nii.gz")).as_posix(), sidecar_path(Path("out/t2.mgz")).as_posix()
        ('out/t2.json', 'out/t2.json')
    """
    return path.with_name(f"{stem(path)}.json")
