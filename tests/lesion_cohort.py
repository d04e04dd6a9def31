"""Subjects with a lesion of three parts, one inside the other, and the masks of the parts."""

import nibabel as nib
import numpy as np

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])
BRIGHT = {"T1w": (300, 500, 650), "T2w": (900, 500, 700), "FLAIR": (350, 700, 850)}  # core, rim, oedema
PLAIN = {"T1w": 450, "T2w": 400, "FLAIR": 420}
SPLIT = {"train": ["sub-00", "sub-01", "sub-02"], "validation": [], "test": ["sub-03", "sub-04"]}


def write_lesion_cohort(root, subjects=5, shape=(20, 24, 12), masks=("core", "rim", "oedema"), seed=0):
    """Write one folder for each subject: `BRIGHT` lesions at drawn places in a ball that is `PLAIN`."""
    rng = np.random.default_rng(seed)
    for number in range(subjects):
        folder = root / f"sub-{number:02d}"
        folder.mkdir(parents=True)
        parts = parts_at(shape, rng.uniform(-0.3, 0.3, 3))
        for name, levels in BRIGHT.items():
            image = np.where(parts["head"], PLAIN[name] * (1 + 0.05 * rng.standard_normal(shape)), 0)
            for part, level in zip(("core", "rim", "oedema"), levels, strict=True):
                image[parts[part]] = level * (1 + 0.05 * rng.standard_normal(int(parts[part].sum())))
            write(image, folder / f"{name}.nii.gz")
        for part in masks:
            write(parts[part], folder / f"{part}_mask.nii.gz")
    return root


def parts_at(shape, centre):
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    head = np.sqrt((places**2).sum(0)) < 0.95
    away = np.sqrt(((places - centre.reshape(3, 1, 1, 1)) ** 2).sum(0))
    rings = np.digitize(away, [0.2, 0.33, 0.5])
    return {"head": head} | {name: (rings == n) & head for n, name in enumerate(("core", "rim", "oedema"))}


def write(array, path):
    nib.save(nib.Nifti1Image(array.astype(np.float32), AFFINE), path)
