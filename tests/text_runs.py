"""A recipe whose network is told of acquisitions by prompts, and a cohort that records some."""

import json

import yaml
from toys import TINY, write_cohort

import anysyn

# As TUMSyn's README writes a prompt, with two spaces before the tuple.
TWO_SPACES = (
    "Age: 12; Gender: M; Scanner: 3.0 Siemens; Modality: T1w; Voxel size: (0.8, 0.8, 0.8); "
    "Imaging parameter TR(ms), TE(ms), TI(ms), and FA(degree):  (2500.0, 2.2, 1000.0, 8.0)"
)
CLIP = {
    "name": "clip_3d",
    **{"size": 8, "patch": 4, "width": 12, "layers": 1, "heads": 2, "embedding": 8, "tokens": 90},
    **{"text_width": 8, "text_layers": 1, "text_heads": 2},
}


def text_recipe():
    """Return the small recipe with a CLIP of volumes, its pretraining, and a network that reads its text tower."""
    tree = yaml.safe_load(TINY)
    tree["parts"] = {"clip": dict(CLIP), **tree["parts"]}
    tree["parts"]["synthesizer"]["conditioners"][0]["reads"] = {"name": "text", "clip": "@clip"}
    pretraining = {
        "name": "pretraining",
        "epochs": 1,
        "view": {"name": "whole"},
        "batches": {"name": "one_per_class"},
        "queries": {"name": "reconstruct"},
        "steps": [
            {
                "objective": {"name": "clip_pairs", "clip": "@clip"},
                "train": ["clip"],
                "optimizer": {"name": "adam", "lr": 1e-3},
            }
        ],
    }
    synthesis = tree["stages"][0] | {"epochs": 1}
    tree["stages"] = [pretraining, synthesis]
    return tree


def write_text_cohort(root, **fields):
    """Write a cohort and beside each image a sidecar; fields go before what it says."""
    write_cohort(root)
    for n, path in enumerate(sorted(root.rglob("*.nii.gz"))):
        echo = 0.01 if path.name.startswith("T1w") else 0.09  # that of a T2w or FLAIR
        said = {"RepetitionTime": 2.0 + n / 10, "EchoTime": echo, "MagneticFieldStrength": 3, "Manufacturer": "GE"}
        path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps({**said, **fields}))
    return root


def train_text_run(folder, change=lambda tree: None, **fields):
    """Train the recipe on the cohort, an epoch each stage; return the run folder."""
    write_text_cohort(folder / "cohort", **fields)
    tree = text_recipe()
    tree["data"]["root"] = str(folder / "cohort")
    change(tree)
    (folder / "text.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return anysyn.train(folder / "text.yaml", out=folder / "run", accelerator="cpu").folder
