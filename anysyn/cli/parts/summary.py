"""Say what a recipe is, before anything is trained: parts, sites, sizes, memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn

from anysyn import build
from anysyn.errors import RecipeError, reason
from anysyn.nn.layout import without_memory
from anysyn.recipe import Recipe
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Query

SIDE = 128  # voxels along an axis for which memory is stated, where the recipe leaves the size open


def sizes(parts: nn.ModuleDict) -> list[tuple[str, str, int]]:
    """Return name, class and number of parameters of every part and of what it is made of, two levels down.

    Example:
        >>> sizes(nn.ModuleDict({"head": nn.Linear(2, 3)}))
        [('head', 'Linear', 9)]
    """
    named = [(name, module) for name, module in parts.named_modules() if name and name.count(".") < 2]
    return [(name, type(module).__name__, sum(p.numel() for p in module.parameters())) for name, module in named]


def activation_bytes(model: Synthesizer, modalities: int, shape: tuple[int, ...]) -> int:
    """Count the bytes that one sample keeps for the backward pass, without computing anything.

    Of the weights, which are kept anyway, those of the networks count as such that the sample goes through: of
    several of one design, one for each modality, it goes through one.

    Args:
        model: A synthesizer on the meta device.
        modalities: How many the recipe has.
        shape: Voxel axes of the sample, *S.
    """
    held: dict[int, int] = {}
    used: set[nn.Module] = set()
    hooks = [module.register_forward_hook(lambda one, *_: used.add(one)) for module in model.modules()]

    def keep(tensor: Tensor) -> Tensor:
        held[id(tensor)] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.device("meta"), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        batch = Batch.complete(torch.zeros(1, modalities, *shape))
        one = torch.zeros(1, 1, dtype=torch.int64)
        model(batch, Query(one, one))
    for hook in hooks:
        hook.remove()
    own = sum(p.numel() * p.element_size() for module in used for p in module.parameters(recurse=False))
    return max(0, sum(held.values()) - own)


def lines(recipe: str | Path, overrides: tuple[str, ...] = ()) -> Iterator[str]:
    """Write the resolved recipe, its parts, sites, parameter counts and memory, line by line.

    Args:
        recipe: A YAML file, or the name of a recipe that comes with anysyn.
        overrides: Each ``path.to.key=value``.

    Example:
        >>> next(iter(lines("small/label")))
        'name: label'
    """
    checked = build.load(recipe, overrides)
    yield from yaml.safe_dump(checked.spec(), sort_keys=False, allow_unicode=True, width=120).splitlines()
    with without_memory():
        parts = build.parts(checked)
    yield from ("", f"{'part':<40}{'class':<24}{'parameters':>14}")
    yield from (f"{name:<40}{what:<24}{count:>14,}" for name, what, count in sizes(parts))
    for name, part in parts.items():
        if isinstance(part, Synthesizer):
            yield from ("", f"{'site of ' + name:<40}{'channels':<10}conditioners")
            yield from _sites(part)
    yield ""
    yield from _memory(checked, parts)


def _sites(model: Synthesizer) -> Iterator[str]:
    for site in (*model.encoder.sites, *model.decoder.sites):
        acting = [type(c).__name__ for c in model.conditioners if site.name in c.sites]
        yield f"{site.name:<40}{site.channels:<10}{', '.join(acting)}".rstrip()


def _memory(recipe: Recipe, parts: nn.ModuleDict) -> Iterator[str]:
    learned = sum(p.numel() for p in parts.parameters())
    yield f"weights: {learned * 4 / 2**20:.1f} MiB; training them with Adam: {learned * 16 / 2**20:.1f} MiB"
    for name, part in parts.items():
        if isinstance(part, Synthesizer):
            for (shape, size), stages in _batches(recipe, name, part).items():
                sides = " x ".join(map(str, shape))
                try:
                    mib = activation_bytes(part, len(recipe.modalities), shape) / 2**20
                except Exception as error:  # whatever a layer says of sizes that do not fit
                    wrong = f"parts.{name}: cannot synthesize a sample of {sides}: {reason(error)}"
                    raise RecipeError(f"{wrong}; change its sizes or the view") from error
                whole = f"{size * mib:.0f} MiB a batch of {size} in {', '.join(stages)}"
                yield f"activations of {name}: {mib:.1f} MiB a sample of {sides}, {whole}"


def _batches(recipe: Recipe, name: str, part: nn.Module) -> dict[tuple[tuple[int, ...], int], list[str]]:
    """Return by the shape of a sample and the size of a batch the stages in which some of a part is trained."""
    parameters, found = [f"{name}.{own}" for own, _ in part.named_parameters()], dict[Any, list[str]]()
    for stage in recipe.stages:
        if stage.epochs and any(step.trains(parameter) for step in stage.steps for parameter in parameters):
            view = build.make(recipe, stage.view or recipe.data.view, "view")
            extent = view.extent([(SIDE, SIDE, SIDE)])
            size = build.make(recipe, stage.batches, "batches").size
            found.setdefault((tuple(extent[axis] for axis in view.spatial), size), []).append(stage.name)
    return found
