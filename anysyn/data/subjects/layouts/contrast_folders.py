"""Contrasts that the folders of files name, and not the files: ``T1/sub1.nii.gz``, ``P01/T1_MPRAGE/image.nii.gz``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path


def contrasts_by_folder(
    unnamed: Mapping[Path, Collection[str]], contrast: Mapping[Path, str]
) -> dict[Path, tuple[str, bool]]:
    """Return the contrast of the files of folders, where the folders beside them make it sure.

    Either files of the same name are in folders of different contrasts, so that the names are those of subjects, or
    every one of these folders holds a single file, so that its name does not matter.

    Args:
        unnamed: Names, without ending, of the files of each folder, none of which names a contrast.
        contrast: The contrast that the name of such a folder means.

    Returns:
        By folder, the contrast and whether the names of its files are those of subjects.

    Example:
        >>> t1, t2 = Path("T1"), Path("T2")
        >>> contrasts_by_folder({t1: ["sub1", "sub2"], t2: ["sub1"]}, {t1: "T1w", t2: "T2w"})[t1]
        ('T1w', True)
        >>> contrasts_by_folder({t1: ["IM7"], t2: ["IM9"]}, {t1: "T1w", t2: "T2w"})[t2]
        ('T2w', False)
        >>> contrasts_by_folder({t1: ["a", "b"], t2: ["c"]}, {t1: "T1w", t2: "T2w"})
        {}
    """
    beside: dict[Path, list[Path]] = defaultdict(list)
    for folder in unnamed:
        if folder in contrast:
            beside[folder.parent].append(folder)
    found: dict[Path, tuple[str, bool]] = {}
    for folders in beside.values():
        shared = len(folders) > 1 and all(
            any(set(unnamed[folder]) & set(unnamed[other]) for other in folders if contrast[other] != contrast[folder])
            for folder in folders
        )
        several = len({contrast[folder] for folder in folders}) > 1
        if shared:
            found |= {folder: (contrast[folder], True) for folder in folders}
        elif several and all(len(unnamed[folder]) == 1 for folder in folders):
            found |= {folder: (contrast[folder], False) for folder in folders}
    return found
