"""NIfTI (`.nii`, `.nii.gz`): read with checks of the header, written with the geometry of another header."""

from __future__ import annotations

import gzip
import io
import math
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import nibabel as nib
import numpy as np
from nibabel.arrayproxy import ArrayProxy
from numpy.typing import NDArray

from anysyn.data.errors import VolumeError
from anysyn.data.volumes.formats.format import Format, Header, check_kind, check_place, check_shape
from anysyn.data.volumes.formats.nifti_place import affine_of, copy_place, make_whole, place, place_like, unit_of
from anysyn.data.volumes.formats.opening import (
    GZIP_LEVEL,
    check_promise,
    check_regular,
    explained,
    opened,
    read_exactly,
)


class Nifti(Format):
    """NIfTI-1 and NIfTI-2, one file, compressed or not.

    Example:
        >>> Nifti().suffixes
        ('.nii.gz', '.nii')
    """

    name = "NIfTI"
    suffixes = (".nii.gz", ".nii")
    written = suffixes

    def read_header(self, path: Path) -> Header:
        """Read and check the header alone."""
        with explained(path, self.name), opened(path, compressed=_is_compressed(path)) as file:
            return _header(_checked(file.read(nib.Nifti2Header.sizeof_hdr), path), path)

    def read(self, path: Path) -> tuple[NDArray[np.float32], Header]:
        """Read the voxels, scaled by the header's slope and intercept, and the header."""
        compressed = _is_compressed(path)
        with explained(path, self.name), opened(path, compressed=compressed) as file:
            start = file.read(nib.Nifti2Header.sizeof_hdr)
            own = _checked(start, path)
            shape, offset = own.get_data_shape(), own.get_data_offset()
            promised = offset + math.prod(shape) * own.get_data_dtype().itemsize
            check_promise(path, promised, shape, stored=check_regular(path), compressed=compressed)
            content = read_exactly(file, promised, path, start)
            voxels = np.asarray(ArrayProxy(io.BytesIO(content), own), dtype=np.float32)
            header = _header(own, path)
            return np.ascontiguousarray(voxels.reshape(header.shape)), header  # (X, Y, Z)

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
        """Write voxels with the codes and units of a NIfTI source; nothing but its geometry is copied."""
        own = source and source.own_as(nib.Nifti1Header)
        image_class = nib.Nifti2Image if isinstance(own, nib.Nifti2Header) else nib.Nifti1Image
        header = image_class.header_class()
        header.set_data_shape(voxels.shape)
        header.set_data_dtype(np.float32)
        header["descrip"] = description.encode()
        if source is None or own is None:
            place(header, affine)
        elif source.own_as(nib.Nifti1Header, affine):
            copy_place(header, own)
        else:
            place_like(header, affine, own)
        # without a name and a time, so that the same voxels give the same bytes
        packing = gzip.GzipFile("", "wb", GZIP_LEVEL, file, mtime=0) if compress else nullcontext(file)
        with packing as stream:
            image_class(voxels, None, header).to_stream(stream)


def _checked(start: bytes, path: Path) -> nib.Nifti1Header:
    """Return the header at the start of a file, its forms whole, without extensions, which are not used."""
    for header_class in (nib.Nifti1Header, nib.Nifti2Header):
        if header_class.may_contain_header(start):
            header = header_class(start[: header_class.sizeof_hdr], check=False)
            break
    else:
        raise VolumeError(f"{path}: is not NIfTI or is truncated; copy it again, or convert DICOM with dcm2niix")
    if header.get_data_offset() < header.single_vox_offset:
        raise VolumeError(f"{path}: is half of a .hdr and .img pair; convert the pair to one .nii.gz file")
    check_shape(header.get_data_shape(), path)
    check_kind(header.get_data_dtype().kind, path)
    make_whole(header, path)
    return header


def _header(own: nib.Nifti1Header, path: Path) -> Header:
    affine, unit = affine_of(own), unit_of(own)
    check_place(affine, path, "" if unit.mm == 1 else unit.name)
    description = own["descrip"].item().decode("utf-8", "replace")
    return Header(check_shape(own.get_data_shape(), path), affine, own, description)


def _is_compressed(path: Path) -> bool:
    return path.name.lower().endswith(".gz")
