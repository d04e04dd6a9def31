"""A small PMM-Synth: two sites with other contrasts and intensities, streams, discriminators, two optimisers."""

import nibabel as nib
import yaml
from toys import write_cohort

NAMES = ("T1w", "T2w", "FLAIR")
PFM = [{"name": "film", "at": "*/block*", "reads": {"name": "dataset", "width": 8, "code": 8}}]
LOSSES = [
    {"name": "synthesis_l1", "weight": 100},
    {"name": "reconstruction_l1", "weight": 30},
    {"name": "adversarial", "discriminator": "@discriminators"},
]


def write_sites(root, subjects=4):
    """Write site A with three contrasts, and site B with two of them, four times as bright."""
    write_cohort(root / "A", subjects, shape=(16, 16, 8))
    write_cohort(root / "B", subjects, shape=(16, 16, 8), contrasts=("T1w", "FLAIR"), seed=1)
    for path in (root / "B").rglob("*.nii.gz"):
        image = nib.load(path)
        nib.save(nib.Nifti1Image(image.get_fdata().astype("float32") * 4, image.affine), path)
    return root


def recipe_of(folder, root, optimizer=None, conditioners=PFM, epochs=2):
    optimizer = optimizer or {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}
    judge = {"name": "patchgan", "width": 4, "layers": 1}
    synthesizer = {
        "name": "synthesizer",
        "encoder": {"name": "streams", "of": {"name": "unet", "widths": [4, 8], "norm": "group", "inputs": "stack"}},
        "decoder": {"name": "per_modality", "of": {"name": "cnn", "norm": "group"}},
        "conditioners": conditioners,
    }
    generator = {"name": "synthesis", "model": "@synthesizer", "losses": LOSSES}
    discrimination = {"name": "discrimination", "model": "@synthesizer", "discriminator": "@discriminators"}
    stage = {
        "name": "synthesis",
        "epochs": epochs,
        "batches": {"name": "modality_consistent", "size": 3},
        "queries": {"name": "synthesis_condition"},
        "checkpoint_every": 1,
        "steps": [
            {"objective": generator, "train": ["synthesizer"], "optimizer": optimizer},
            {"objective": discrimination, "train": ["discriminators"], "optimizer": optimizer},
        ],
    }
    tree = {
        "name": "gan",
        "modalities": list(NAMES),
        "data": {
            "root": root and str(root),
            "prepare": [{"name": "canonical"}, {"name": "nonnegative"}, {"name": "rescale"}],
            "view": {"name": "slices"},
            "split": {"train": 0.5, "validation": 0.25, "test": 0.25},
        },
        "parts": {
            "synthesizer": synthesizer,
            "discriminators": {"name": "discriminator", "of": {"name": "per_modality", "of": judge}},
        },
        "stages": [stage],
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return folder / "recipe.yaml"
