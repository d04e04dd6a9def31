"""The truth that a simulated cohort keeps beside its images: its subjects and their tissue maps."""

from __future__ import annotations

from pathlib import Path

from anysyn.data.subjects.tables.tsv import read_table
from anysyn.data.volumes.volume import Volume, read_volume
from anysyn.errors import UserError
from anysyn.registry import suggest

TRUTH = Path("derivatives", "truth")
MASKS = Path("derivatives", "masks")


def known_subjects(cohort: Path) -> list[str]:
    """Return the keys of the subjects of a simulated cohort.

    Args:
        cohort: A folder that `simulate` made.

    Raises:
        UserError: If the folder is no simulated cohort.

    Example:
        >>> known_subjects(Path("nowhere"))
        Traceback (most recent call last):
        anysyn.errors.UserError: nowhere is no simulated cohort: it has no derivatives/truth/sub-*.json
    """
    known = sorted(path.stem for path in (cohort / TRUTH).glob("sub-*.json"))
    if not known:
        raise UserError(f"{cohort} is no simulated cohort: it has no {TRUTH.as_posix()}/sub-*.json")
    return known


def tissue_masks(cohort: Path, subject: str, *names: str) -> list[Volume]:
    """Read masks of tissues: 1 where a tissue is the largest part of a voxel, 0 elsewhere.

    Args:
        cohort: A folder that `simulate` made.
        subject: Its key.
        names: Tissues, for example ``"white"``.

    Returns:
        One volume for each name.

    Raises:
        UserError: If the cohort has no tissue map, or no tissue of a name.
    """
    table, path = cohort / MASKS / "dseg.tsv", cohort / MASKS / subject / "anat" / f"{subject}_dseg.nii.gz"
    for file in (table, path):
        if not file.is_file():
            raise UserError(f"{file} is missing, so the tissues are unknown; simulate the cohort again")
    numbers = {row["name"]: int(row["index"]) for row in read_table(table).rows.values()}
    labels = read_volume(path)
    for name in names:
        if name not in numbers:
            raise UserError(f"{table}: no tissue {name!r}; {suggest(name, numbers)}")
    return [Volume((labels.voxels.round() == numbers[name]).float(), labels.affine) for name in names]
