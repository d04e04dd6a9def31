"""Which files are volumes, and what they are called without their ending: a new file format begins here."""

from __future__ import annotations

from pathlib import Path

from anysyn.data.errors import VolumeError

SUFFIXES = (".nii", ".nii.gz")
PATTERN = "[!.]*.nii*"  # visible files that are, or are taken for, volumes


def check_suffix(path: Path) -> None:
    """Refuse a file that is no volume by its name.

    Raises:
        VolumeError: If it has another ending.
    """
    if not path.name.lower().endswith(SUFFIXES):
        raise VolumeError(f"{path}: does not end in .nii or .nii.gz; convert DICOM with dcm2niix, others with nibabel")


def stem(path: Path) -> str:
    """Return the name of a volume, or of its sidecar, without the ending.

    Example:
        >>> stem(Path("sub-01_T1w.nii.gz"))
        'sub-01_T1w'
    """
    return path.name.removesuffix(".gz").removesuffix(".nii").removesuffix(".json")


def sidecar_path(path: Path) -> Path:
    """Return the path of the JSON beside a volume.

    Example:
        >>> sidecar_path(Path("out/t2.nii.gz")).as_posix()
        'out/t2.json'
    """
    return path.with_name(f"{stem(path)}.json")
