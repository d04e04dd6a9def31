"""MetaImage (`.mha`, `.mhd` with its `.raw` or `.zraw`), as ITK, 3D Slicer and elastix write it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anysyn.data.errors import VolumeError
from anysyn.data.volumes.formats.format import Header, check_place, check_shape
from anysyn.data.volumes.formats.opening import GZIP_LEVEL
from anysyn.data.volumes.formats.stored import (
    MILLIMETRES,
    Stored,
    TextHeader,
    beside,
    floats,
    plain,
    read_start,
    sizes,
)

TYPES = {
    **{"MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4"},
    **{"MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8"},
    **{"MET_FLOAT": "f4", "MET_DOUBLE": "f8"},
}
_LPS = np.diag([-1.0, -1.0, 1.0])  # MetaImage's world is left, posterior, superior
_TURNS = ("TransformMatrix", "Rotation", "Orientation")  # names of one thing, as are these
_ORIGINS = ("Offset", "Position", "Origin")


class Words(NamedTuple):
    """A header's lines by their key, and the byte where the voxels begin."""

    lines: Mapping[str, str]
    end: int


@dataclass(frozen=True, eq=False)
class MetaPlace:
    """The place of an image in the terms of MetaImage.

    Args:
        matrix: (3, 3), a row for the direction of each axis.
        spacing: (3,) voxel edges.
        offset: (3,) centre of the first voxel, LPS+.
        unit: Unit of length, or empty: mm.
    """

    matrix: NDArray[np.float64]
    spacing: NDArray[np.float64]
    offset: NDArray[np.float64]
    unit: str = ""

    @classmethod
    def at(cls, affine: NDArray[np.float64], unit: str = "") -> MetaPlace:
        """Return the place of an affine (4, 4) in mm, RAS+."""
        lps = _LPS @ affine[:3] / MILLIMETRES[unit or "mm"]
        spacing = np.linalg.norm(lps[:, :3], axis=0)
        return cls((lps[:, :3] / spacing).T, spacing, lps[:, 3], unit)

    @property
    def affine(self) -> NDArray[np.float64]:
        """Return the affine (4, 4), voxel to world in mm, RAS+."""
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = _LPS @ (self.matrix.T * self.spacing), _LPS @ self.offset
        affine[:3] *= MILLIMETRES[self.unit or "mm"]
        return affine + 0.0  # no negative zeros


class MetaImage(TextHeader):
    """MetaImage: a header of text, and the voxels after it or in a file beside it.

    Example:
        >>> MetaImage().suffixes
        ('.mha', '.mhd')
    """

    name = "MetaImage"
    suffixes = (".mha", ".mhd")
    written = (".mha",)

    def parse(self, path: Path) -> tuple[Header, Stored]:
        """Return what the header says of the image and of where its voxels lie."""
        words = _words(path)
        return _header(words, path), _stored(words, path)

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
        """Write voxels, compressed, with the numbers of a MetaImage source to the bit."""
        own = source and source.own_as(MetaPlace)
        place = source and source.own_as(MetaPlace, affine)
        place = place or MetaPlace.at(affine, own.unit if own else "")
        packed = zlib.compress(voxels.astype("<f4").tobytes(order="F"), GZIP_LEVEL)
        lines = {
            "ObjectType": "Image",
            "NDims": "3",
            **({"Comment": " ".join(description.split())} if description else {}),
            "BinaryData": "True",
            "BinaryDataByteOrderMSB": "False",
            "CompressedData": "True",
            "CompressedDataSize": str(len(packed)),
            "TransformMatrix": _joined(place.matrix),
            "Offset": _joined(place.offset),
            "CenterOfRotation": "0 0 0",
            **({"DistanceUnits": place.unit} if place.unit else {}),
            "ElementSpacing": _joined(place.spacing),
            "DimSize": _joined(np.array(voxels.shape)),
            "ElementType": "MET_FLOAT",
            "ElementDataFile": "LOCAL",  # the last line, by definition
        }
        file.write("".join(f"{key} = {value}\n" for key, value in lines.items()).encode())
        file.write(packed)


def _joined(numbers: NDArray[np.float64]) -> str:
    return " ".join(plain(number) for number in numbers.ravel().tolist())


def _words(path: Path) -> Words:
    start, lines, end = read_start(path), dict[str, str](), 0
    while "ElementDataFile" not in lines:
        stop = start.find(b"\n", end)
        line = start[end : stop if stop >= 0 else len(start)].decode("latin-1")
        key, equals, value = line.partition("=")
        if not equals and (line.strip() or stop < 0):
            raise VolumeError(f"{path}: is no MetaImage, or its header is cut off; copy it again or export it again")
        if key.strip() and key.strip() in lines:
            raise VolumeError(f"{path}: says {key.strip()} twice; keep one of the two lines, or export it again")
        lines[key.strip()] = value.strip()
        end = stop + 1 if stop >= 0 else len(start)
    return Words(lines, end)


def _header(words: Words, path: Path) -> Header:
    lines, axes = words.lines, _axes(words)
    shape = check_shape(sizes(lines["DimSize"], axes, "DimSize"), path)
    channels = int(lines.get("ElementNumberOfChannels", "1"))
    if channels != 1:
        raise VolumeError(f"{path}: holds {channels} channels in a voxel where one is needed; save one of them")
    _check_stored(lines, path)
    turn = next((lines[key] for key in _TURNS if key in lines), None)
    if turn is None or axes < 3:
        raise VolumeError(
            f"{path}: does not say where its voxels lie (no TransformMatrix of three axes), so left and right are "
            "unknown; export it again, or add the line if you know it"
        )
    origin = next((lines[key] for key in _ORIGINS if key in lines), None)
    if origin is None:
        raise VolumeError(f"{path}: does not say where its voxels lie (no Offset); export it again, or add the line")
    spacing = lines.get("ElementSpacing") or lines.get("ElementSize")
    if spacing is None:
        raise VolumeError(f"{path}: does not say how large its voxels are (no ElementSpacing); export it again")
    place = MetaPlace(
        floats(turn, axes * axes, "TransformMatrix").reshape(axes, axes)[:3, :3],
        floats(spacing, axes, "ElementSpacing")[:3],
        floats(origin, axes, "Offset")[:3],
        _unit(lines, path),
    )
    check_place(place.affine, path, place.unit)
    return Header(shape, place.affine, place, lines.get("Comment", ""))


def _axes(words: Words) -> int:
    axes = int(words.lines["NDims"])
    if not 2 <= axes <= 8:
        raise ValueError(f"NDims is {axes}, and an image has 2 to 8")
    return axes


def _unit(lines: Mapping[str, str], path: Path) -> str:
    unit = lines.get("DistanceUnits", "")
    if unit in ("", "?"):
        return ""
    if unit not in MILLIMETRES:
        raise VolumeError(f"{path}: is in {unit!r}; write DistanceUnits as one of {', '.join(MILLIMETRES)}")
    return unit


def _check_stored(lines: Mapping[str, str], path: Path) -> None:
    if lines.get("BinaryData", "True").lower() != "true":
        raise VolumeError(f"{path}: holds its voxels as text; save it again with binary voxels")
    if lines["ElementType"] not in TYPES:
        raise VolumeError(
            f"{path}: holds voxels of type {lines['ElementType']!r}; save it as one of {', '.join(TYPES)}"
        )
    scaled = {"ElementToIntensityFunctionSlope": 1.0, "ElementToIntensityFunctionOffset": 0.0}
    for key, usual in scaled.items():
        if float(lines.get(key, usual)) != usual:
            raise VolumeError(f"{path}: has {key} = {lines[key]}, which most programs ignore; save it without")


def _stored(words: Words, path: Path) -> Stored:
    lines = words.lines
    name, packed = lines["ElementDataFile"], lines.get("CompressedData", "False").lower() == "true"
    if name.split(" ")[0].upper() == "LIST" or "%" in name:
        raise VolumeError(f"{path}: keeps its voxels in several files; save it as one .mha file")
    local = name.upper() == "LOCAL"
    order = lines.get("BinaryDataByteOrderMSB", lines.get("ElementByteOrderMSB", "False")).lower()
    skipped = int(lines.get("HeaderSize", "0"))
    if skipped < -1 or (packed and skipped < 0):
        raise ValueError(f"HeaderSize is {skipped}")
    start = None if skipped == -1 else (words.end if local else 0) + skipped
    return Stored(
        path if local else beside(path, name),
        start,
        np.dtype((">" if order == "true" else "<") + TYPES[lines["ElementType"]]),
        sizes(lines["DimSize"], _axes(words), "DimSize"),
        packed,
    )
