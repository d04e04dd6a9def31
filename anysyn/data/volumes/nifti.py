"""NIfTI files: read with checks of the header and the voxels, written with the geometry of another header."""

from __future__ import annotations

import errno
import gzip
import io
import math
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

import nibabel as nib
import numpy as np
from nibabel.arrayproxy import ArrayProxy
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from anysyn.data.errors import VolumeError
from anysyn.data.volumes.formats import check_suffix
from anysyn.files import replacing

SAME_AFFINE = 1e-6  # relative, and in mm; finer than the float32 numbers of a header
SCANNER = 1  # NIfTI code of scanner coordinates

_CHUNK = 1 << 20
_GZIP_LEVEL = 1  # noise hardly compresses: higher levels take several times as long to save a few per cent
_GEOMETRY = (
    *("qform_code", "sform_code", "pixdim", "xyzt_units", "dim_info"),
    *("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"),
)
_REMEDIES = {
    errno.ENOENT: "check the path",
    errno.EEXIST: "choose another name, or allow replacing it with --overwrite",
    errno.EACCES: "choose a place that you may use, or change its permissions",
    errno.EPERM: "choose a place that you may use, or change its permissions",
    errno.EROFS: "choose a place that can be written",
    errno.ENOSPC: "free some space and run it again; no part of the file was left",
    errno.EDQUOT: "free some space and run it again; no part of the file was left",
    errno.EISDIR: "name a file, not a folder",
    errno.ENOTDIR: "a part of its folder's path is a file; choose another folder",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def read_header(path: Path) -> nib.Nifti1Header:
    """Read and check the header alone, in well under a millisecond.

    Raises:
        VolumeError: If the file is missing or not NIfTI, or the header is not that of one grey volume with an affine.
    """
    with _explained(path), _opened(path) as file:
        return _checked_header(file.read(nib.Nifti2Header.sizeof_hdr), path)


def read_nifti(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float64], nib.Nifti1Header]:
    """Read a file; trailing axes of length one are dropped, and a single slice becomes a volume of one slice.

    Returns:
        Voxels (X, Y, Z), affine (4, 4) in mm, RAS+, and header.

    Raises:
        VolumeError: As for the header, and if the file is truncated or damaged.
    """
    with _explained(path):
        header, content = _contents(path)
        with np.errstate(over="ignore", invalid="ignore"):  # the check of the voxels reports infinities
            voxels = np.asarray(ArrayProxy(io.BytesIO(content), header), dtype=np.float32)
        spatial = (*voxels.shape, 1)[:3]
        return np.ascontiguousarray(voxels.reshape(spatial)), affine_of(header), header  # (X, Y, Z)


def affine_of(header: nib.Nifti1Header) -> NDArray[np.float64]:
    """Return the affine (4, 4) that a header prefers: the sform, else the qform."""
    return np.asarray(header.get_best_affine(), dtype=np.float64)


def spacing_of(header: nib.Nifti1Header) -> tuple[float, float, float]:
    """Return the voxel edge lengths in mm, from the affine, to a tenth of a micrometre."""
    x, y, z = np.linalg.norm(affine_of(header)[:3, :3], axis=0).round(4).tolist()
    return x, y, z


def write_nifti(
    voxels: NDArray[np.float32],
    affine: NDArray[np.float64],
    path: Path,
    *,
    source: nib.Nifti1Header | None,
    description: str,
    overwrite: bool,
) -> None:
    """Write voxels (X, Y, Z) as float32; the file is complete or not there.

    The geometry of the header ``source`` is copied if it has this affine; all else is as for `write_volume`.
    """
    check_suffix(path)
    image_class = nib.Nifti2Image if isinstance(source, nib.Nifti2Header) else nib.Nifti1Image
    header = image_class.header_class()
    header.set_data_shape(voxels.shape)
    header.set_data_dtype(np.float32)
    header["descrip"] = _description(description)
    _place(header, affine, source)
    with _explained(path), replacing(path, overwrite=overwrite) as file:
        # without a name and a time, so that the same voxels give the same bytes
        packing = gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) if _is_compressed(path) else nullcontext(file)
        with packing as stream:
            image_class(voxels, None, header).to_stream(stream)


def _description(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) > 79:
        raise ValueError(f"description {text!r} has {len(encoded)} bytes; a NIfTI header holds 79")
    return encoded


def _place(header: nib.Nifti1Header, affine: NDArray[np.float64], source: nib.Nifti1Header | None) -> None:
    if source is not None and np.allclose(affine, affine_of(source), SAME_AFFINE, SAME_AFFINE):
        for name in _GEOMETRY:
            header[name] = source[name]
        header["pixdim"][4:] = 1
        return
    header.set_xyzt_units("mm")
    quaternion, code, sform_code = (affine, SCANNER, SCANNER) if source is None else _moved(affine, source)
    header.set_qform(quaternion, code)
    if not np.allclose(header.get_qform(), quaternion, atol=1e-3):  # a qform has no shear
        header.set_qform(quaternion, 0)
        sform_code = sform_code or code
    header.set_sform(affine, sform_code)


def _moved(affine: NDArray[np.float64], source: nib.Nifti1Header) -> tuple[NDArray[np.float64], int, int]:
    """Return the qform of another grid, in the world of the source's qform (the sform's may differ), and the codes."""
    code, sform_code = int(source["qform_code"]), int(source["sform_code"])
    change = np.linalg.solve(affine_of(source), affine)  # new voxels to old ones
    return (source.get_qform() if code > 0 else affine_of(source)) @ change, code, sform_code


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn any error of a damaged file or of the system into a message of one line."""
    try:
        yield
    except VolumeError:
        raise
    except gzip.BadGzipFile as error:
        raise VolumeError(
            f"{path}: is damaged, or not compressed as its name says ({error}); copy it again or rename it"
        ) from error
    except (EOFError, zlib.error) as error:
        raise VolumeError(f"{path}: is truncated or damaged ({error}); copy or download it again") from error
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "check the disk and the path")
        raise VolumeError(f"{path}: {error.strerror or error}; {remedy}") from error
    except (HeaderDataError, ValueError, OverflowError, TypeError) as error:
        raise VolumeError(f"{path}: has a damaged NIfTI header ({error}); copy or export it again") from error


def _opened(path: Path) -> BinaryIO:
    check_suffix(path)
    return gzip.open(path) if _is_compressed(path) else path.open("rb")  # type: ignore[return-value]


def _contents(path: Path) -> tuple[nib.Nifti1Header, bytearray]:
    """Read the header and as many bytes as it promises, never more, so that a wrong header cannot fill the memory."""
    with _opened(path) as file:
        content = bytearray(file.read(nib.Nifti2Header.sizeof_hdr))
        header = _checked_header(bytes(content), path)
        promised = header.get_data_offset() + math.prod(header.get_data_shape()) * header.get_data_dtype().itemsize
        while chunk := file.read(_CHUNK):  # to the end, where the checksum is
            content += chunk[: max(0, promised - len(content))]
    if len(content) < promised:
        raise VolumeError(
            f"{path}: is truncated: its header promises {promised} bytes and there are {len(content)}; "
            "copy or download it again"
        )
    return header, content


def _checked_header(start: bytes, path: Path) -> nib.Nifti1Header:
    for header_class in (nib.Nifti1Header, nib.Nifti2Header):
        if header_class.may_contain_header(start):
            header = header_class(start[: header_class.sizeof_hdr])  # without extensions, which are not used
            break
    else:
        raise VolumeError(f"{path}: is not NIfTI or is truncated; copy it again, or convert DICOM with dcm2niix")
    if header.get_data_offset() < header.sizeof_hdr:
        raise VolumeError(f"{path}: is half of a .hdr and .img pair; convert the pair to one .nii.gz file")
    _check_shape(header.get_data_shape(), path)
    _check_kind(header.get_data_dtype().kind, path)
    _check_place(header, path)
    return header


def _check_shape(shape: Sequence[int], path: Path) -> None:
    if len(shape) < 2 or min(shape) < 1:
        raise VolumeError(f"{path}: has no voxels (shape {_times(shape) or 'empty'}); leave it out or export it again")
    count = math.prod(shape[3:])
    if count > 1:
        raise VolumeError(
            f"{path}: holds {count} volumes ({_times(shape)}) where one is needed; "
            "save one of them: nibabel.load(...).slicer[..., 0].to_filename(...)"
        )


def _check_kind(kind: str, path: Path) -> None:
    if kind not in "iuf":
        what = "complex numbers; save their magnitude" if kind == "c" else "colours; save a grey image"
        raise VolumeError(f"{path}: holds {what}")


def _check_place(header: nib.Nifti1Header, path: Path) -> None:
    if int(header["qform_code"]) <= 0 and int(header["sform_code"]) <= 0:
        raise VolumeError(
            f"{path}: does not say where its voxels lie (qform_code and sform_code are 0), so left and right are "
            "unknown; export it again, or set the affine if you know it"
        )
    affine = affine_of(header)
    directions = affine[:3, :3]
    with np.errstate(invalid="ignore", over="ignore"):
        volume, edges = abs(np.linalg.det(directions)), np.prod(np.linalg.norm(directions, axis=0))
        usable = np.isfinite(affine).all() and np.isfinite(edges) and volume > 1e-6 * edges > 0
    if not usable:
        raise VolumeError(f"{path}: its affine is not invertible, so voxels have no place; export it again")


def _is_compressed(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


def _times(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
