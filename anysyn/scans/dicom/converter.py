"""From the files of a series to volumes: by dcm2niix, or by SimpleITK where it is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anysyn.files import read_json
from anysyn.scans.dicom.errors import EXTRA, DicomError
from anysyn.scans.dicom.headers import SourceSeries, along_normal, number_in, orientation_of, position_of

LONGEST = 600  # seconds for one series
UNEVEN = 0.05  # of the spacing: how far a slice may lie from where even spacing puts it
SHIFT = 0.1  # mm: how far a slice may lie beside the normal through the first
WITHOUT = f"SimpleITK reads single-frame files of one volume on even slices alone; for the rest: {EXTRA}"


@dataclass(frozen=True)
class ConvertedVolume:
    """A volume, or several over time or b-values, as a converter gave it.

    Args:
        voxels: (X, Y, Z) or (X, Y, Z, T), in the file's number type if nothing is lost, else float32.
        affine: (4, 4), voxel to world in mm, RAS+.
        fields: The converter's JSON.
        b_values: (T,) s/mm^2; empty if unknown.
        part: What sets it apart from others of its series, such as ``"e2"`` for a second echo; empty for the main one.
    """

    voxels: NDArray[Any]
    affine: NDArray[np.float64]
    fields: Mapping[str, Any] = field(default_factory=dict)
    b_values: tuple[float, ...] = ()
    part: str = ""


def dcm2niix() -> Path | None:
    """Return the program dcm2niix, of the wheel of that name or else of the system; None if it is missing."""
    if find_spec("dcm2niix") is not None:
        import dcm2niix as wheel

        if (path := Path(wheel.bin)).is_file():
            return path
    beside = shutil.which("dcm2niix", path=str(Path(sys.executable).parent)) or shutil.which("dcm2niix")
    return Path(beside) if beside else None


def volumes_of(series: SourceSeries, folder: Path, program: Path | None) -> list[ConvertedVolume]:
    """Convert a series.

    Args:
        series: The series.
        folder: An empty folder for files of the conversion.
        program: dcm2niix; None has SimpleITK read the series.

    Raises:
        DicomError: If it cannot be converted; the message is the end of a sentence about the series.
    """
    return _by_simpleitk(series) if program is None else _by_dcm2niix(series, folder, program)


def _by_dcm2niix(series: SourceSeries, folder: Path, program: Path) -> list[ConvertedVolume]:
    source, out = folder / "dicom", folder / "nifti"
    for path in (source, out):
        path.mkdir(parents=True)
    for number, path in enumerate(series.files):
        _link(path, source / f"{number:06}.dcm")
    # anonymized JSON, no compression, names that say nothing
    command = [str(program), "-b", "y", "-ba", "y", "-z", "n", "-f", "image", "-o", str(out), str(source)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LONGEST, text=True, errors="replace")
    except subprocess.TimeoutExpired:
        raise DicomError(f"keeps dcm2niix busy for more than {LONGEST} s; convert it by hand") from None
    files = sorted(out.glob("*.nii"), key=lambda path: (len(path.name), path.name))
    if files and not any("Eq" in path.name or "Tilt" in path.name for path in files):
        check_even([along_normal(header) for header in series.headers], several=True)
        check_straight(series)
    if not files:
        last = [line for line in (done.stdout + done.stderr).splitlines() if "rror" in line] or ["no image"]
        reason = last[-1].replace(str(folder), "").strip()[:200]
        raise DicomError(f"cannot be converted by dcm2niix ({reason}); export it again")
    return [_read(path) for path in files]


def _link(path: Path, link: Path) -> None:
    try:
        link.symlink_to(path.resolve())
    except OSError:  # a file system without links
        shutil.copyfile(path, link)


def _read(path: Path) -> ConvertedVolume:
    import nibabel as nib

    image: Any = nib.load(path)
    slope, intercept = image.dataobj.slope, image.dataobj.inter
    voxels = image.dataobj.get_unscaled() if (slope, intercept) == (1, 0) else image.get_fdata(dtype=np.float32)
    sidecar, table = path.with_suffix(".json"), path.with_suffix(".bval")
    fields = read_json(sidecar) if sidecar.is_file() else {}
    b_values = tuple(float(word) for word in table.read_text().split()) if table.is_file() else ()
    part = path.stem.removeprefix("image").strip("_")
    return ConvertedVolume(np.asarray(voxels), np.asarray(image.affine, dtype=np.float64), fields, b_values, part)


def _by_simpleitk(series: SourceSeries) -> list[ConvertedVolume]:
    import SimpleITK as sitk  # noqa: N813

    if any((number_in(header, "NumberOfFrames") or 1) > 1 for header in series.headers):
        raise DicomError(f"is an enhanced multi-frame file; {WITHOUT}")
    check_even([along_normal(header) for header in series.headers])
    check_straight(series)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in series.files])
    reader.SetOutputPixelType(sitk.sitkFloat32)  # each slice may have a slope of its own
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise DicomError(f"cannot be read by SimpleITK; {WITHOUT}") from error
    lps = np.eye(4)
    lps[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    lps[:3, 3] = image.GetOrigin()
    voxels = sitk.GetArrayFromImage(image).transpose(2, 1, 0)  # (X, Y, Z)
    fields = {"ConversionSoftware": "SimpleITK", "ConversionSoftwareVersion": sitk.Version.VersionString()}
    return [ConvertedVolume(voxels, np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps, fields)]


def check_even(places: Sequence[float], *, several: bool = False) -> None:
    """Refuse slices that are no single volume with even spacing.

    Args:
        places: Of the slices along their normal in mm, sorted.
        several: Whether there may be several volumes, each with a slice in every place.

    Example:
        >>> check_even([0.0, 3.0, 6.0])
        >>> check_even([0.0, 3.0, 3.0, 6.0])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        anysyn.scans.dicom.errors.DicomError: has several slices in one place, ...
        >>> check_even([0.0, 3.0, 9.0])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        anysyn.scans.dicom.errors.DicomError: has slices at uneven distances, as if some were missing; ...
    """
    steps = np.diff(np.unique(places) if several else places)
    if len(steps) and steps.min() < 1e-3:
        raise DicomError(f"has several slices in one place, as of several volumes; {WITHOUT}")
    if len(steps) and np.abs(steps - np.median(steps)).max() > UNEVEN * np.median(steps):
        raise DicomError("has slices at uneven distances, as if some were missing; export the whole series again")


def check_straight(series: SourceSeries) -> None:
    """Refuse slices that are shifted against each other, as by a tilted gantry, which a converter left as they are."""
    axes = orientation_of(series.header)
    places = [place for header in series.headers if (place := position_of(header)) is not None]
    if axes is None or len(places) < len(series.headers):
        raise DicomError("does not say where its slices lie (ImagePositionPatient)")
    across = np.stack(places) @ axes[:, :2]  # (N, 2)
    if np.abs(across - across[0]).max() > SHIFT:
        raise DicomError(
            "has slices shifted against each other, as by a tilted gantry, which dcm2niix alone mends, and not in each "
            "file; export it resampled"
        )
