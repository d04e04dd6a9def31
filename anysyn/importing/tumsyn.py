"""TUMSyn's published checkpoints as a run: the synthesis network, and the text side of its CLIP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from anysyn import build
from anysyn.errors import UserError
from anysyn.files import locked
from anysyn.files.hashes import digest
from anysyn.importing.checkpoint_file import check_fit, read_checkpoint, weights_in
from anysyn.importing.clip_text import Renamed, is_clip, renamed_text, text_sizes
from anysyn.importing.tumsyn_network import FUSION, HEADS, lacking, network, renamed_network
from anysyn.nn.layout import without_memory
from anysyn.recipe import Recipe
from anysyn.training.run_folder.checkpoints import write_tensors
from anysyn.training.run_folder.folder import RunFolder

NAME = "tumsyn-published"
TEMPERATURE = f"synthesizer.{FUSION}.log_temperature"  # that the published attention does without
CODE_TILE = {"name": "scaled_patches", "size": [20] * 3, "scales": [1, 3], "points": 8000, "per_volume": 1}
CODE_TILE |= {"tile": [60] * 3, "overlap": 0.5, "halo": 0}


@dataclass(frozen=True)
class Published:
    """The weights of one published file.

    Args:
        path: The file.
        weights: By their published names.
        about: What the file says of the network.
    """

    path: Path
    weights: Mapping[str, Tensor]
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Imported:
    """A run made of published weights.

    Args:
        folder: The run folder.
        network: How many numbers the synthesis network has.
        text: How many the text tower has.
        left: How many tensors of the files have no place in the run: the image tower of the CLIP.
    """

    folder: Path
    network: int
    text: int
    left: int

    def lines(self) -> Iterator[str]:
        """Yield what was imported, what was left, and how to use it."""
        yield f"{self.folder}: {self.network:,} weights of the synthesis network, {self.text:,} of the text tower"
        if self.left:
            yield f"note: {self.left} tensors of the CLIP's image tower are left, since synthesis needs none of them"
        yield "note: answers are on the published scale, from 0 to about 1"
        yield f"synthesize with: anysyn synthesize {self.folder} --source T1w=t1.nii.gz --target T2w --out t2.nii.gz"


def import_tumsyn(
    checkpoint: str | Path,
    *,
    out: str | Path,
    text: str | Path | None = None,
    axes: str = "SAL",
    overwrite: bool = False,
) -> Imported:
    """Make a run of TUMSyn's published checkpoints, which gives the answers of the published code for each tile.

    Args:
        checkpoint: File of the synthesis network; or a folder with it and that of the CLIP, whatever they are called.
        out: The run folder to make.
        text: File of the CLIP, unless the folder holds it.
        axes: Where the axes of the arrays point that the network reads, as ``prepare.canonical.axes``. The published
            code takes a file's voxels as they lie, slice by slice: the axes S, A and L of a file that is stored LAS.
        overwrite: Whether an earlier run in that folder may be deleted.

    Raises:
        UserError: If a file is not there, holds anything but tensors and plain values, or does not fit.

    Example:
        >>> import_tumsyn("nowhere.pt", out="run")
        Traceback (most recent call last):
        FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.pt'
    """
    synthesis, clip = _files(Path(checkpoint), None if text is None else Path(text))
    recipe = _recipe(synthesis, clip, axes)
    with without_memory():
        own = build.parts(recipe, untrained=False).state_dict()
    tower = _fitting(own, "clip.towers.", renamed_text(clip.weights, "clip.towers."), clip.path)
    fused = renamed_network(synthesis.weights, "synthesizer.")
    fused.weights[TEMPERATURE] = torch.zeros(HEADS)  # its logarithm
    whole = {**tower, **_fitting(own, "synthesizer.", fused, synthesis.path)}
    _write(RunFolder(Path(out)), recipe, whole, synthesis, clip, overwrite=overwrite)
    left = sum(name.startswith("visual.") for name in clip.weights)
    numbers = [sum(value.numel() for value in part.weights.values()) for part in (synthesis, clip)]
    image = sum(value.numel() for name, value in clip.weights.items() if name.startswith("visual."))
    return Imported(Path(out), numbers[0], numbers[1] - image, left)


def _files(checkpoint: Path, text: Path | None) -> tuple[Published, Published]:
    """Find the two networks, in a folder by what its files hold."""
    if checkpoint.is_dir():
        paths = sorted(path for path in checkpoint.iterdir() if path.suffix in (".pt", ".pth", ".safetensors"))
    else:
        paths = [checkpoint]
    paths += [] if text is None else [text]
    read = [_published(path) for path in paths]
    synthesis = [file for file in read if not is_clip(file.weights)]
    clips = [file for file in read if is_clip(file.weights)]
    if len(synthesis) != 1:
        raise UserError(f"{checkpoint}: holds {len(synthesis)} synthesis networks, not 1; name the file of one")
    if len(clips) != 1:
        raise UserError(
            f"{checkpoint}: comes with {len(clips)} CLIPs, not 1; name the file that the record calls "
            "checkpoint_CLIP.pt with --text"
        )
    return synthesis[0], clips[0]


def _published(path: Path) -> Published:
    tree = read_checkpoint(path)
    for keys in (("model_G", "sd_G"), ("model_state_dict",), ()):
        weights = weights_in(tree, *keys)
        if weights is not None:
            break
    else:
        raise UserError(f"{path}: has no weights of TUMSyn, which lie under model_G.sd_G or model_state_dict")
    if not is_clip(weights) and lacking(weights):
        raise UserError(f"{path}: is no network of TUMSyn: it has no {', '.join(lacking(weights))}")
    encoder = tree["model_G"].get("args", {}).get("encoder_spec", {}) if "model_G" in tree else {}
    return Published(path, weights, encoder if isinstance(encoder, Mapping) else {})


def _recipe(synthesis: Published, clip: Published, axes: str) -> Recipe:
    """Return the recipe of the published network, evaluated as the published code does."""
    prepare: list[dict[str, Any]] = [{"name": "canonical", "axes": axes}, {"name": "nonnegative"}]
    prepare += [{"name": "rescale", "lower": 0.01, "upper": 99.9, "over": "volume"}, {"name": "clamp"}]
    changes = {
        "name": NAME,
        "precision": "32-true",
        "data.prepare": prepare,
        "data.view": CODE_TILE,
        "parts.clip": {"name": "clip_text", **text_sizes(clip.weights)},
        "parts.synthesizer": network(synthesis.weights, synthesis.about),
        "stages.0.epochs": 0,  # its image tower is not there
        "stages.1.steps.0.optimizer": {"name": "adam", "lr": 1e-5},
        "stages.1.steps.0.schedule": {"name": "constant"},
    }
    return build.load("tumsyn", [f"{key}={json.dumps(value)}" for key, value in changes.items()])


def _fitting(own: Mapping[str, Tensor], prefix: str, renamed: Renamed, path: Path) -> Mapping[str, Tensor]:
    check_fit(
        path,
        {name: tensor for name, tensor in own.items() if name.startswith(prefix)},
        renamed.weights,
        renamed.unknown,
    )
    return renamed.weights


def _write(
    folder: RunFolder,
    recipe: Recipe,
    weights: Mapping[str, Tensor],
    synthesis: Published,
    clip: Published,
    *,
    overwrite: bool,
) -> None:
    """Write the run folder; the answers keep the published scale, since nothing says how bright a scan is."""
    windows: dict[str, Any] = {"overall": {name: [0.0, 1.0] for name in recipe.modalities}, "datasets": {}}
    files = {"run": f"{synthesis.path.name}, {clip.path.name}", "weights": digest(synthesis.path, clip.path)}
    with locked(folder.path, "anysyn import"):
        folder.begin(recipe, overwrite=overwrite)
        folder.write("datasets.json", [])
        folder.write("windows.json", windows)
        folder.write("origin.json", {**files, "windows": windows})
        write_tensors(folder.weights, weights)
        folder.write_recipe(recipe)
