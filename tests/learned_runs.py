"""A run folder with the weights of its stages, as a training leaves it, without the training."""

import json

import torch
import yaml
from toys import TINY

from anysyn import build
from anysyn.training.run_folder.checkpoints import write_tensors
from anysyn.training.run_folder.folder import RunFolder

KEYS = [f"sub-{number:02d}" for number in range(4)]
CLIP = {"name": "clip_from_scratch", "side": 16, "width": 16, "layers": 1, "heads": 2, "embedding": 8, "tokens": 60}


def write_learned_run(folder, cohort, *, clip=True, learns=("contrastive",), **data):
    """Write a run of three stages, of which those in ``learns`` change the encoder and the others its decoder."""
    tree = yaml.safe_load(TINY)
    tree["data"] |= {"root": str(cohort), **data}
    tree["parts"] |= {"clip": CLIP} if clip else {}
    tree["stages"] = [{**tree["stages"][0], "name": name} for name in ("contrastive", "alignment", "synthesis")]
    tree |= {"seed": 0}
    tree["data"]["split"].setdefault("seed", 0)
    folder.mkdir(parents=True)
    run = RunFolder(folder)
    run.recipe.write_text(yaml.safe_dump(tree, sort_keys=False))
    run.write("windows.json", {"overall": {}, "datasets": {"cohort": {}}})
    run.write("datasets.json", ["cohort"])
    run.write("split.json", {"train": KEYS[:1], "validation": KEYS[1:2], "test": KEYS[2:]})
    weights = build.parts(build.load(run.recipe)).state_dict()
    for number, name in enumerate(("contrastive", "alignment", "synthesis")):
        changed = "synthesizer.encoder" if name in learns else "synthesizer.decoder"
        weights = noisy(weights, changed, seed=number)
        write_tensors(run.stage_weights(name), weights)
    write_tensors(run.weights, weights)
    return run


def noisy(weights, prefix, seed):
    generator = torch.Generator().manual_seed(seed)
    return {
        name: value + 0.1 * torch.randn(value.shape, generator=generator) if name.startswith(prefix) else value
        for name, value in weights.items()
    }


def record_of(folder):
    return json.loads((folder / "record.json").read_text())


def cut_off(path):
    """Leave of a file its first half, so that its header can be read and its voxels cannot."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
