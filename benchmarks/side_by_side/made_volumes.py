"""Volumes made for a measurement: heads of a few tissues as NIfTI files."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

CONTRASTS = ("T1w", "T2w")


def write_subjects(
    folder: Path, count: int, side: int, *, lacks: str | None = None, contrasts: tuple[str, ...] = CONTRASTS
) -> Path:
    """Write one folder for each subject, one file for each contrast, in 12 bits as scanners write them.

    Args:
        folder: Where.
        count: Number of subjects.
        side: Voxels along each axis, of 1 mm.
        lacks: Contrast that no subject has.
        contrasts: The others.

    Returns:
        The folder.
    """
    axes = np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32),) * 3, indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    for number in range(count):
        random = np.random.default_rng(number)
        tissue = np.digitize(radius * random.uniform(1.0, 1.2), [0.4, 0.7, 0.95])  # 3 is air
        for name in (name for name in contrasts if name != lacks):
            levels = np.append(random.uniform(200, 900, 3), 0)
            noise = 1 + 0.05 * random.standard_normal(radius.shape, dtype=np.float32)
            image = (levels[tissue] * noise * (tissue < 3)).astype(np.int16)
            place = folder / f"sub-{number:03d}" / f"{name}.nii.gz"
            place.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(image, np.eye(4)), place)
    return folder


def tiny_training(cohort: Path, out: Path, *overrides: str) -> Path:
    """Train a network of a few thousand weights for one epoch, so that all else can be measured.

    Args:
        cohort: Folder of subjects.
        out: Run folder; the cache is beside it.
        overrides: Of the recipe.

    Returns:
        The run folder.
    """
    from anysyn.training.fit import train

    small = ["modalities=[T1w, T2w]", "parts.synthesizer.encoder.widths=[4, 8]", "stages.0.epochs=1", "data.jobs=1"]
    small += ["data.view={name: patches, size: [32, 32, 32], per_volume: 1}", f"data.root={cohort}"]
    train("small/label", out=out, overrides=[*small, *overrides], cache=out.parent / "cache", accelerator="cpu")
    return out
