"""DICOM out: an image becomes a derived series in the study and the frame of reference of its source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anysyn.data.modalities import modality
from anysyn.data.volumes.volume import Volume
from anysyn.files import whole_folder
from anysyn.scans.dicom.errors import DicomError, check_installed
from anysyn.scans.dicom.headers import orientation_of, position_of, text_in
from anysyn.scans.dicom.writing.modules import NOTICE, Described, derived, referenced
from anysyn.scans.dicom.writing.slices import Slices, slices_of
from anysyn.scans.dicom.writing.stored_numbers import StoredNumbers, stored_numbers

if TYPE_CHECKING:
    from pydicom import Dataset

MADE_BY = "anysyn, DICOM"
NEAREST = 0.51  # of the slice distance: how far a slice of the source may lie that a slice was made from


def write_series(
    image: Volume,
    source: Sequence[Path | Dataset],
    out: str | Path,
    *,
    target: str,
    made_from: Sequence[str] = (),
    anonymous: bool = False,
) -> list[Path]:
    r"""Write a synthetic image as a DICOM series that opens beside its source, in the same study and place.

    It has new UIDs for series and images, ``DERIVED\SECONDARY`` and ``[SYNTHETIC]`` in its description, anysyn among
    the contributing equipment, and says that it is not for clinical use. Intensities are rounded to 16 bits; the
    derivation states to what.

    Args:
        image: The image; its world is that of the source's DICOM, on whatever grid.
        source: Files of the source series, or their headers.
        out: Folder for the files; missing or empty.
        target: Modality that the image shows.
        made_from: Modalities that it was synthesized from.
        anonymous: Leave out person, study and their UIDs. The series then belongs to no study and opens alone.

    Returns:
        The files, in the order of the slices.

    Raises:
        DicomError: If pydicom is missing, a source file cannot be read, or the image cannot be cut into slices.
        FileExistsError: If the folder is not empty.
    """
    check_installed()
    headers = [_header(one) for one in source]
    if not headers:
        raise DicomError("no source series is given, whose study and place a derived series needs")
    family, voxels = modality(target).family, image.voxels.detach().cpu().numpy()
    numbers = stored_numbers(voxels, family)
    slices = slices_of(voxels, image.affine, orientation_of(headers[0]))
    about = Described(target, family, _derivation(target, made_from, numbers), datetime.now(), anonymous)
    datasets = _datasets(slices, numbers, headers, about)
    return _write(datasets, Path(out))


def _derivation(target: str, made_from: Sequence[str], numbers: StoredNumbers) -> str:
    sources = f" from {', '.join(made_from)}" if made_from else ""
    unit = modality(target).unit
    return (
        f"{target} synthesized{sources} by anysyn; {NOTICE}. Intensities ({unit} unit) are rounded to multiples of "
        f"{numbers.slope:g}, by at most {numbers.rounding:g}."
    ).replace("arbitrary unit", "arbitrary units")


def _header(source: Path | Dataset) -> Dataset:
    if not isinstance(source, (str, Path)):
        return source
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        return dcmread(source, stop_before_pixels=True)
    except (InvalidDicomError, OSError) as error:
        raise DicomError(f"{source}: is no readable DICOM; name the files of the source series") from error


def _datasets(slices: Slices, numbers: StoredNumbers, headers: Sequence[Dataset], about: Described) -> list[Dataset]:
    from pydicom.uid import generate_uid

    def new() -> str:
        return str(generate_uid(prefix=None))

    source = headers[0]
    study, place = (text_in(source, key) for key in ("StudyInstanceUID", "FrameOfReferenceUID"))
    if about.anonymous or not study:
        study = new()
    if about.anonymous or not place:
        place = new()
    shared = derived(source, about, study=study, series=new(), place=place)
    _add_pixels(shared, slices, numbers)
    pixels = numbers.of(slices.voxels)
    datasets = [_slice(shared, slices, pixels, number, new()) for number in range(len(pixels))]
    if not about.anonymous:
        for number, dataset in enumerate(datasets):
            dataset.SourceImageSequence = referenced(_beside(headers, slices, number))
    return datasets


def _add_pixels(header: Dataset, slices: Slices, numbers: StoredNumbers) -> None:
    from pydicom.valuerep import DS

    _, rows, columns = slices.voxels.shape
    header.Rows, header.Columns = rows, columns
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated = header.BitsStored = 16
    header.HighBit, header.PixelRepresentation = 15, 0
    right, down, through = (DS(edge, auto_format=True) for edge in slices.spacing)
    header.PixelSpacing = [down, right]
    header.SliceThickness = through
    if header.Modality == "MR":
        header.SpacingBetweenSlices = through
    header.ImageOrientationPatient = [DS(x, auto_format=True) for x in slices.directions[:, :2].T.ravel().tolist()]
    header.RescaleSlope, header.RescaleIntercept = numbers.slope, numbers.intercept
    header.WindowCenter, header.WindowWidth = numbers.centre, numbers.width
    if numbers.width < 1:  # the default function is made for whole numbers
        header.VOILUTFunction = "LINEAR_EXACT"
    if header.Modality == "PT":
        header.NumberOfSlices = len(slices.voxels)


def _slice(shared: Dataset, slices: Slices, pixels: np.ndarray[Any, Any], number: int, uid: str) -> Dataset:
    from pydicom import Dataset
    from pydicom.valuerep import DS

    dataset = Dataset()
    dataset.update(shared)
    dataset.SOPInstanceUID, dataset.InstanceNumber = uid, number + 1
    place = slices.position(number)
    dataset.ImagePositionPatient = [DS(x, auto_format=True) for x in place.tolist()]
    normal = np.cross(slices.directions[:, 0], slices.directions[:, 1])
    dataset.SliceLocation = DS(float(place @ normal), auto_format=True)
    if dataset.Modality == "PT":
        dataset.ImageIndex = number + 1
    dataset.PixelData = np.ascontiguousarray(pixels[number], dtype="<u2").tobytes()
    return dataset


def _beside(headers: Sequence[Dataset], slices: Slices, number: int) -> Sequence[Dataset]:
    """Return the slices of the source next to one of the image; all, if none is next to it or they do not say where."""
    axis, reach = slices.directions[:, 2], NEAREST * slices.spacing[2]
    here = float(slices.position(number) @ axis)
    places = [position_of(header) for header in headers]
    if len(headers) == 1 or orientation_of(headers[0]) is None or any(place is None for place in places):
        return headers
    near = [
        h for h, place in zip(headers, places, strict=True) if place is not None and abs(place @ axis - here) <= reach
    ]
    return near or headers


def _write(datasets: Sequence[Dataset], out: Path) -> list[Path]:
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    names = [f"{number:04}.dcm" for number in range(1, len(datasets) + 1)]
    with whole_folder(out, names, made_by=MADE_BY) as folder:
        for name, dataset in zip(names, datasets, strict=True):
            dataset.file_meta = FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.file_meta.ImplementationClassUID = generate_uid(entropy_srcs=["anysyn"])
            dataset.file_meta.ImplementationVersionName = "ANYSYN"
            dataset.save_as(folder / name, enforce_file_format=True)
    return [out / name for name in names]
