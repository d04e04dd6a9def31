"""A head of 1 mm through a network, by anysyn and by MONAI's sliding window, with the same tiles and weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from torch import Tensor

from anysyn.build import load
from anysyn.data.prepare import Pipeline
from anysyn.data.views import Patches
from anysyn.data.volumes.study import Study
from anysyn.plugins import enrol
from anysyn.recipe import Recipe
from anysyn.registry import build
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesizer import Synthesizer
from anysyn.training.devices import Hardware
from anysyn.training.run_folder.folder import RunFolder
from anysyn.types import Batch
from side_by_side.cost import Measured, alone, measured

NAMES, OVERLAP = ("T1w", "T2w"), 0.25


class Case(NamedTuple):
    """Sizes of a measurement.

    Args:
        shape: Voxels of the head along three axes.
        tile: Voxels of a tile along each axis.
        widths: Channels of the U-Net.
        device: ``cpu`` or ``cuda``.
    """

    shape: tuple[int, int, int]
    tile: int
    widths: tuple[int, ...]
    device: str


def network(case: Case) -> Synthesizer:
    """Return a U-Net in three dimensions with random weights, the same each time.

    Args:
        case: The sizes.
    """
    enrol()
    torch.manual_seed(0)
    given = {"modalities": len(NAMES), "dimensions": 3}
    encoder = build("encoder", {"name": "unet", "widths": case.widths}, **given)
    decoder = build("decoder", {"name": "cnn"}, widths=encoder.widths, strides=encoder.strides, **given)
    return Synthesizer(encoder=encoder, decoder=decoder).eval().to(case.device)


def head(shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Return a prepared image (X, Y, Z) and its foreground: an ellipsoid, half of the box.

    Args:
        shape: Voxels along each axis.
    """
    axes = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in shape), indexing="ij")
    inside = sum(axis.square() for axis in axes) < 1.0
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) * inside, inside


def ours(case: Case) -> Measured:
    """Synthesize by anysyn.

    Args:
        case: The sizes.
    """
    recipe: Recipe = load("small/label", ["modalities=[T1w, T2w]"])
    view = Patches(size=(case.tile,) * 3, overlap=OVERLAP)
    hardware = Hardware(torch.device(case.device))
    run = LoadedRun(RunFolder(Path("none")), recipe, network(case), Pipeline(()), view, hardware)
    image, inside = head(case.shape)
    study = Study("head", "", {"T1w": image}, np.eye(4), inside)
    return measured(lambda: run.predict(study, ["T1w"], ["T2w"], 1)["T2w"])


def monai(case: Case) -> Measured:
    """Synthesize by MONAI's `sliding_window_inference`, with weights of a Gaussian.

    Args:
        case: The sizes.
    """
    from monai.inferers import sliding_window_inference

    image, model = head(case.shape)[0], network(case)

    def predict(tiles: Tensor) -> Tensor:
        batch = Batch.complete(torch.cat([tiles, torch.zeros_like(tiles)], 1))
        numbers = torch.tensor([[0]] * len(tiles), device=tiles.device)
        answer: Tensor = model(batch, batch.ask(numbers, numbers + 1)).images
        return answer

    volume, roi = image[None, None].to(case.device), (case.tile,) * 3
    with torch.inference_mode():
        return measured(
            lambda: sliding_window_inference(volume, roi, 1, predict, overlap=OVERLAP, mode="gaussian").cpu()
        )


def command(
    shape: Annotated[tuple[int, int, int], typer.Option(help="Voxels of the head.")] = (160, 192, 160),
    tile: Annotated[int, typer.Option(help="Voxels of a tile along each axis.")] = 64,
    widths: Annotated[list[int] | None, typer.Option(help="Channels of the U-Net; repeatable.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Synthesize one contrast of a head from another, each form alone in a fresh process."""
    case = Case(shape, tile, tuple(widths or (8, 16, 32)), device)
    size = " x ".join(map(str, shape))
    print(f"{size} voxels, tiles of {tile}^3, overlap {OVERLAP}, {device}, threads: {torch.get_num_threads()}")
    costs = {name: alone(form, case) for name, form in (("MONAI", monai), ("anysyn", ours))}
    for name, cost in costs.items():
        ratio = cost.seconds / costs["anysyn"].seconds
        print(f"{name:<8}{cost.seconds:8.1f} CPU s ({ratio:.2f} times ours), {cost.mebibytes:6.0f} MiB added")
    inside = head(shape)[1]
    apart = (costs["MONAI"].answer.squeeze() - costs["anysyn"].answer)[inside].abs().max()
    print(f"within the head the images differ by at most {apart:.1e}: another blending, and air that is left out")
