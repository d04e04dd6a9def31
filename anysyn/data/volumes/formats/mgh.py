"""FreeSurfer's MGH (`.mgz`, `.mgh`)."""

from __future__ import annotations

import gzip
import math
import struct
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np
from nibabel.affines import from_matvec
from nibabel.freesurfer.mghformat import DATA_OFFSET, MGHHeader
from numpy.typing import NDArray

from anysyn.data.errors import VolumeError
from anysyn.data.volumes.formats.format import Format, Header, check_place, check_shape
from anysyn.data.volumes.formats.opening import (
    GZIP_LEVEL,
    as_volume,
    check_promise,
    check_regular,
    explained,
    opened,
    read_exactly,
)

VERSION = 1
HEADER_BYTES = 90  # of the DATA_OFFSET before the voxels; the others are unused
RAS_FLAG = slice(28, 30)
TYPES = (0, 1, 3, 4, 10)  # unsigned char, int, float, short, unsigned short
_GEOMETRY = ("goodRASFlag", "delta", "Mdc", "Pxyz_c")
_FOOTER = bytes(20)  # repetition time, flip angle, echo time, inversion time, field of view: not those of this image
_COMMAND_LINE = 3  # FreeSurfer's tag for a line of text, which mri_info prints


class Mgh(Format):
    """FreeSurfer's MGH, compressed or not.

    Example:
        >>> Mgh().suffixes
        ('.mgz', '.mgh')
    """

    name = "MGH"
    suffixes = (".mgz", ".mgh")
    written = suffixes

    def read_header(self, path: Path) -> Header:
        """Read and check the header alone."""
        with explained(path, self.name), opened(path, compressed=_is_compressed(path)) as file:
            return _header(_checked(file.read(DATA_OFFSET), path), path)

    def read(self, path: Path) -> tuple[NDArray[np.float32], Header]:
        """Read the voxels and the header."""
        compressed = _is_compressed(path)
        with explained(path, self.name), opened(path, compressed=compressed) as file:
            start = file.read(DATA_OFFSET)
            own = _checked(start, path)
            header, dtype = _header(own, path), np.dtype(own.get_data_dtype())
            promised = DATA_OFFSET + math.prod(header.shape) * dtype.itemsize
            check_promise(path, promised, header.shape, stored=check_regular(path), compressed=compressed)
            content = read_exactly(file, promised, path, start)
            del content[:DATA_OFFSET]
            return as_volume(content, dtype, header.shape), header

    def write(
        self,
        file: BinaryIO,
        voxels: NDArray[np.float32],
        affine: NDArray[np.float64],
        *,
        source: Header | None,
        description: str,
        compress: bool,
    ) -> None:
        """Write voxels with the numbers of an MGH source to the bit."""
        header = MGHHeader()
        header.set_data_shape(voxels.shape)
        header.set_data_dtype(np.float32)
        if own := source and source.own_as(MGHHeader, affine):
            for name in _GEOMETRY:
                header[name] = own[name]
        else:
            edges = np.linalg.norm(affine[:3, :3], axis=0)
            header["goodRASFlag"], header["delta"], header["Mdc"] = 1, edges, (affine[:3, :3] / edges).T
            header["Pxyz_c"] = affine[:3] @ [*(n / 2 for n in voxels.shape), 1]
        # without a name and a time, so that the same voxels give the same bytes
        with gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) if compress else nullcontext(file) as stream:
            stream.write(header.binaryblock[:HEADER_BYTES].ljust(DATA_OFFSET, b"\0"))
            stream.write(voxels.astype(">f4").tobytes(order="F"))
            stream.write(_FOOTER + _tag(description))


def _tag(description: str) -> bytes:
    text = description.encode() + b"\0"
    return struct.pack(">iq", _COMMAND_LINE, len(text)) + text if description else b""


def _checked(start: bytes, path: Path) -> MGHHeader:
    if len(start) < DATA_OFFSET:
        raise VolumeError(f"{path}: is no MGH file or is truncated; copy it again")
    header = MGHHeader(start[:HEADER_BYTES], check=False)
    if int(header["version"]) != VERSION:
        raise VolumeError(f"{path}: is no MGH file (its version is {int(header['version'])}, not 1); copy it again")
    check_shape([int(n) for n in header["dims"]], path)
    if int(header["type"]) not in TYPES:
        raise VolumeError(f"{path}: holds voxels of type {int(header['type'])}; convert it with mri_convert -odt float")
    if start[RAS_FLAG] == b"\0\0":  # nibabel would assume the usual orientation
        raise VolumeError(
            f"{path}: does not say where its voxels lie (goodRASFlag is 0), so left and right are unknown; export it "
            "again, or set the orientation with mri_convert if you know it"
        )
    return header


def _header(own: MGHHeader, path: Path) -> Header:
    affine = _affine(own)
    check_place(affine, path)
    return Header(check_shape([int(n) for n in own["dims"]], path), affine, own)


def _affine(own: MGHHeader) -> NDArray[np.float64]:
    """Return vox2ras (4, 4): the header gives the world's place of the middle of the volume."""
    turn, edges, middle = (np.asarray(own[name], dtype=np.float64) for name in ("Mdc", "delta", "Pxyz_c"))
    steps = turn.T * edges
    return np.asarray(from_matvec(steps, middle - steps @ (np.asarray(own["dims"][:3], dtype=np.float64) / 2)))


def _is_compressed(path: Path) -> bool:
    return path.name.lower().endswith((".mgz", ".gz"))
