"""The place of a NIfTI image: its two forms (sform, qform) made whole, its unit of length, and both written again."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
from nibabel.affines import from_matvec
from nibabel.quaternions import quat2mat
from numpy.typing import NDArray

from anysyn.data.errors import VolumeError
from anysyn.data.volumes.formats.format import is_usable

CODES = range(6)  # of the worlds that NIfTI defines
SCANNER = 1  # the scanner's
ROUNDING = 1e-3  # by which the length of a quaternion may exceed 1
UNITS = {1: ("metres", 1e3), 2: ("millimetres", 1.0), 3: ("micrometres", 1e-3)}  # xyzt_units: name, in mm

_GEOMETRY = (
    *("qform_code", "sform_code", "pixdim", "xyzt_units", "dim_info"),
    *("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"),
)
_QUATERNION = ("quatern_b", "quatern_c", "quatern_d")
_OFFSET = ("qoffset_x", "qoffset_y", "qoffset_z")
_ROWS = ("srow_x", "srow_y", "srow_z")


class Unit(NamedTuple):
    """A unit of length: its name, and how many mm it has."""

    name: str
    mm: float


def unit_of(header: nib.Nifti1Header) -> Unit:
    """Return the unit of length of a header; one that states none is in mm.

    Example:
        >>> header = nib.Nifti1Header()
        >>> header.set_xyzt_units("micron")
        >>> unit_of(header)
        Unit(name='micrometres', mm=0.001)
    """
    return Unit(*UNITS.get(int(header["xyzt_units"]) & 7, UNITS[2]))


def affine_of(header: nib.Nifti1Header) -> NDArray[np.float64]:
    """Return the affine (4, 4), in mm, that a whole header prefers: the sform, else the qform."""
    affine = header.get_sform() if int(header["sform_code"]) > 0 else header.get_qform()
    return in_mm(np.asarray(affine, dtype=np.float64), unit_of(header))


def in_mm(affine: NDArray[np.float64], unit: Unit) -> NDArray[np.float64]:
    """Convert an affine (4, 4) to mm.

    Example:
        >>> in_mm(np.eye(4), Unit("metres", 1e3)).diagonal().tolist()
        [1000.0, 1000.0, 1000.0, 1.0]
    """
    return affine if unit.mm == 1 else np.diag([unit.mm] * 3 + [1.0]) @ affine


def make_whole(header: nib.Nifti1Header, path: Path) -> None:
    """Make both forms of a header usable: the good one replaces a bad one, and unused numbers are no NaN.

    A quaternion that is longer than 1 by rounding is normalised, as ITK does. A header whose forms are good is not
    changed.

    Args:
        header: Changed in place.
        path: The file, for messages.

    Raises:
        VolumeError: If no form says where the voxels lie, or the only ones that do are bad.
    """
    _mend_numbers(header)
    codes = {name: int(header[f"{name}_code"]) for name in ("sform", "qform")}
    if max(codes.values()) <= 0:
        raise VolumeError(
            f"{path}: does not say where its voxels lie (qform_code and sform_code are 0), so left and right are "
            "unknown; export it again, or set the affine if you know it"
        )
    forms = {"sform": np.asarray(header.get_sform(), dtype=np.float64), "qform": _qform(header)}
    good = [name for name, code in codes.items() if code > 0 and is_usable(forms[name])]
    if not good:
        raise VolumeError(f"{path}: its affine is not invertible, so voxels have no place; export it again")
    for name, code in codes.items():
        if code > 0 and name not in good:
            _set_form(header, name, forms[good[0]], codes[good[0]])
    if "qform" not in good and codes["qform"] <= 0:
        _mend_zooms(header, forms["sform"])


def place(header: nib.Nifti1Header, affine: NDArray[np.float64]) -> None:
    """Write an affine (4, 4) in mm into a new header, as both forms in scanner coordinates."""
    header.set_xyzt_units("mm")
    _set_both(header, affine, affine, SCANNER, SCANNER)


def place_like(header: nib.Nifti1Header, affine: NDArray[np.float64], source: nib.Nifti1Header) -> None:
    """Write an affine (4, 4) in mm into a new header in the terms of another grid's header.

    Both forms keep their codes and move together (the sform may lie in another world than the qform), and the unit of
    length stays.
    """
    header["xyzt_units"] = source["xyzt_units"]
    own = in_mm(affine, Unit("", 1 / unit_of(source).mm))
    before = source.get_sform() if int(source["sform_code"]) > 0 else source.get_qform()
    code, sform_code = int(source["qform_code"]), int(source["sform_code"])
    change = np.linalg.solve(before, own)  # new voxels to old ones
    _set_both(header, own, (source.get_qform() if code > 0 else before) @ change, sform_code, code)


def copy_place(header: nib.Nifti1Header, source: nib.Nifti1Header) -> None:
    """Copy the place of another header to the bit."""
    for name in _GEOMETRY:
        header[name] = source[name]
    header["pixdim"][4:] = 1


def _set_both(
    header: nib.Nifti1Header, sform: NDArray[np.float64], qform: NDArray[np.float64], sform_code: int, code: int
) -> None:
    header.set_qform(qform, code)
    if not np.allclose(header.get_qform(), qform, rtol=1e-5, atol=1e-3 / unit_of(header).mm):  # a qform has no shear
        header.set_qform(qform, 0)
        sform_code = sform_code or code
    header.set_sform(sform, sform_code)


def _set_form(header: nib.Nifti1Header, name: str, affine: NDArray[np.float64], code: int) -> None:
    if name == "sform":
        header.set_sform(affine, code)
        return
    header.set_qform(affine, code)  # with the zooms
    if not np.allclose(header.get_qform(), affine, rtol=1e-3, atol=1e-3):
        header.set_qform(affine, 0)


def _qform(header: nib.Nifti1Header) -> NDArray[np.float64]:
    """Return the qform (4, 4) as ITK reads it; not finite if there is none."""
    b, c, d = (float(header[name]) for name in _QUATERNION)
    length = b * b + c * c + d * d
    if not length <= 1 + ROUNDING:
        return np.full((4, 4), np.nan)
    if length > 1:  # half a turn
        b, c, d = (number / np.sqrt(length) for number in (b, c, d))
        header["quatern_b"], header["quatern_c"], header["quatern_d"] = b, c, d
    rotation = quat2mat([np.sqrt(max(0.0, 1 - b * b - c * c - d * d)), b, c, d])
    edges = np.abs(np.asarray(header["pixdim"][1:4], dtype=np.float64))
    edges[2] *= float(header["pixdim"][0])
    return np.asarray(from_matvec(rotation * edges, [float(header[name]) for name in _OFFSET]))


def _mend_numbers(header: nib.Nifti1Header) -> None:
    """Give the numbers that no form uses a value: the handedness is 1 unless stated, and the rest is no NaN.

    A code that NIfTI does not define says nothing of the world, so its form counts as unused.
    """
    for name in ("sform_code", "qform_code"):
        if int(header[name]) not in CODES:
            header[name] = 0
    zooms = header["pixdim"]
    zooms[0] = -1 if zooms[0] < 0 else 1
    zooms[1:4] = np.abs(zooms[1:4])
    zooms[4:] = np.where(np.isfinite(zooms[4:]), zooms[4:], 1)
    unused: tuple[str, ...] = _ROWS if int(header["sform_code"]) <= 0 else ()
    unused += (*_QUATERNION, *_OFFSET) if int(header["qform_code"]) <= 0 else ()
    for name in unused:
        header[name] = np.where(np.isfinite(header[name]), header[name], 0)


def _mend_zooms(header: nib.Nifti1Header, affine: NDArray[np.float64]) -> None:
    zooms = header["pixdim"][1:4]
    edges = np.linalg.norm(affine[:3, :3], axis=0)
    header["pixdim"][1:4] = np.where(np.isfinite(zooms) & (zooms > 0), zooms, edges)
