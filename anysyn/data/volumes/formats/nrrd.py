"""NRRD (`.nrrd`, `.nhdr` with its `.raw` or `.raw.gz`), as 3D Slicer, ITK and teem write it."""

from __future__ import annotations

import gzip
import io
import re
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
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": (
        *("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    ),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
SPACES = {  # signs that turn a world to right, anterior, superior
    "right-anterior-superior": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
}
_SHORT = {"RAS": "right-anterior-superior", "LAS": "left-anterior-superior", "LPS": "left-posterior-superior"}
_FIELD = re.compile(r"([^#:][^:]*):(?!=)(.*)")  # "key:=value" is a note
_PACKINGS = {"raw": False, "gzip": True, "gz": True}


class Words(NamedTuple):
    """A header's fields, and the byte where the voxels begin."""

    fields: Mapping[str, str]
    end: int


@dataclass(frozen=True, eq=False)
class NrrdPlace:
    """The place of an image in the terms of NRRD.

    Args:
        space: Name of the world, one of `SPACES`.
        directions: (3, 3), a row for the step along each axis.
        origin: (3,) centre of the first voxel.
        unit: Unit of length, or empty: mm.
    """

    space: str
    directions: NDArray[np.float64]
    origin: NDArray[np.float64]
    unit: str = ""

    @classmethod
    def at(cls, affine: NDArray[np.float64], space: str = "left-posterior-superior", unit: str = "") -> NrrdPlace:
        """Return the place of an affine (4, 4) in mm, RAS+."""
        there = np.diag(SPACES[space]) @ affine[:3] / MILLIMETRES[unit or "mm"]
        return cls(space, there[:, :3].T, there[:, 3], unit)

    @property
    def affine(self) -> NDArray[np.float64]:
        """Return the affine (4, 4), voxel to world in mm, RAS+."""
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = self.directions.T, self.origin
        affine[:3] *= np.array(SPACES[self.space]).reshape(3, 1) * MILLIMETRES[self.unit or "mm"]
        return affine + 0.0  # no negative zeros


class Nrrd(TextHeader):
    """NRRD: a header of text, and the voxels after it or in a file beside it.

    Example:
        >>> Nrrd().suffixes
        ('.nrrd', '.nhdr')
    """

    name = "NRRD"
    suffixes = (".nrrd", ".nhdr")
    written = (".nrrd",)

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
        """Write voxels, compressed, in the world of an NRRD source and with its numbers to the bit."""
        own = source and source.own_as(NrrdPlace)
        place = source and source.own_as(NrrdPlace, affine)
        place = place or (NrrdPlace.at(affine, own.space, own.unit) if own else NrrdPlace.at(affine))
        fields = {
            "type": "float",
            "dimension": "3",
            "space": place.space,
            "sizes": " ".join(map(str, voxels.shape)),
            "space directions": " ".join(map(_vector, place.directions)),
            "kinds": "domain domain domain",
            "endian": "little",
            "encoding": "gzip",
            "space origin": _vector(place.origin),
            **({"space units": " ".join([f'"{place.unit}"'] * 3)} if place.unit else {}),
            **({"content": " ".join(description.split())} if description else {}),
        }
        file.write("".join(["NRRD0004\n", *(f"{key}: {value}\n" for key, value in fields.items()), "\n"]).encode())
        with gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) as stream:
            stream.write(voxels.astype("<f4").tobytes(order="F"))


def _vector(numbers: NDArray[np.float64]) -> str:
    return f"({','.join(map(plain, numbers.tolist()))})"


def _words(path: Path) -> Words:
    start = read_start(path)
    if not start.startswith(b"NRRD"):
        raise VolumeError(f"{path}: is no NRRD; copy it again or export it again")
    fields, end = dict[str, str](), 0
    for raw in io.BytesIO(start):
        end += len(raw)
        line = raw.decode("latin-1").rstrip("\r\n")
        if not line:
            break
        if field := _FIELD.match(line):
            name = field[1].strip().lower()
            if name in fields:
                raise VolumeError(f"{path}: says {name} twice; keep one of the two lines, or export it again")
            fields[name] = field[2].strip()
    return Words(fields, end)


def _header(words: Words, path: Path) -> Header:
    fields = words.fields
    lengths, vectors = _sizes(fields), _vectors(fields, path)
    spatial = [axis for axis, vector in enumerate(vectors) if vector is not None]
    if len(spatial) != 3:
        raise VolumeError(f"{path}: has {len(spatial)} axes in space where three are needed; export it again")
    others = [length for axis, length in enumerate(lengths) if axis not in spatial]
    shape = check_shape((*(lengths[axis] for axis in spatial), *others), path)
    _check_type(fields, path)
    space = fields.get("space", "").lower()
    space = {short.lower(): name for short, name in _SHORT.items()}.get(space, space)
    if space not in SPACES:
        raise VolumeError(
            f"{path}: does not say where its voxels lie (space: {space or 'missing'}), so left and right are unknown; "
            f"export it again with one of {', '.join(SPACES)}"
        )
    if "space origin" not in fields:
        raise VolumeError(f"{path}: does not say where its voxels lie (no space origin); export it again, or add it")
    place = NrrdPlace(
        space,
        np.array([_numbers(vectors[axis] or "", "space directions") for axis in spatial]),
        _numbers(fields["space origin"], "space origin"),
        _unit(fields, path),
    )
    check_place(place.affine, path, place.unit)
    return Header(shape, place.affine, place, fields.get("content", ""))


def _sizes(fields: Mapping[str, str]) -> tuple[int, ...]:
    dimension = int(fields["dimension"])
    if not 2 <= dimension <= 16:
        raise ValueError(f"dimension is {dimension}, and an image has 2 to 16")
    return sizes(fields["sizes"], dimension, "sizes")


def _vectors(fields: Mapping[str, str], path: Path) -> list[str | None]:
    """Return the step along each axis as it is written; None along an axis that is not one of space."""
    if "space directions" not in fields:
        raise VolumeError(
            f"{path}: does not say where its voxels lie (no space directions), so left and right are unknown; "
            "export it again, or add the field if you know it"
        )
    words = re.findall(r"\([^)]*\)|none", fields["space directions"])
    if len(words) != len(_sizes(fields)):
        raise ValueError(f"space directions has {len(words)} entries, and there are {len(_sizes(fields))} axes")
    return [None if word == "none" else word for word in words]


def _numbers(text: str, what: str) -> NDArray[np.float64]:
    return floats(text.strip("() ").replace(",", " "), 3, what)


def _unit(fields: Mapping[str, str], path: Path) -> str:
    units = {unit for unit in re.findall(r'"([^"]*)"', fields.get("space units", "")) if unit.strip()}
    if not units:
        return ""
    unit = units.pop()
    if units or unit not in MILLIMETRES:
        raise VolumeError(
            f"{path}: is in {fields['space units']}; write space units as one of {', '.join(MILLIMETRES)}, the same "
            "for all axes"
        )
    return str(unit)


def _check_type(fields: Mapping[str, str], path: Path) -> None:
    if fields["type"] not in (name for names in TYPES.values() for name in names):
        raise VolumeError(f"{path}: holds voxels of type {fields['type']!r}; save it as short or float")
    if "endian" not in fields and not fields["type"].endswith(("char", "int8", "int8_t")):
        raise VolumeError(f"{path}: does not say the order of its bytes (no endian); export it again, or add the line")
    encoding = fields["encoding"].lower()
    if encoding not in _PACKINGS:
        raise VolumeError(f"{path}: is encoded as {encoding!r}; save it again as one of {', '.join(_PACKINGS)}")


def _stored(words: Words, path: Path) -> Stored:
    fields = words.fields
    name = fields.get("data file", fields.get("datafile"))
    if name is not None and (name.split(" ")[0].upper() == "LIST" or "%" in name):
        raise VolumeError(f"{path}: keeps its voxels in several files; save it as one .nrrd file")
    packed, skipped = _PACKINGS[fields["encoding"].lower()], int(fields.get("byte skip", fields.get("byteskip", "0")))
    lines = int(fields.get("line skip", fields.get("lineskip", "0")))
    if lines or skipped < -1 or (packed and skipped):
        raise VolumeError(f"{path}: skips lines or bytes before its voxels; save it as one .nrrd file")
    kind = next(kind for kind, names in TYPES.items() if fields["type"] in names)
    return Stored(
        path if name is None else beside(path, name),
        None if skipped == -1 else (words.end if name is None else 0) + skipped,
        np.dtype((">" if fields.get("endian", "little").lower() == "big" else "<") + kind),
        _sizes(fields),
        packed,
    )
