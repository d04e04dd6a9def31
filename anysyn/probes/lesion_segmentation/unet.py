"""Segmenter: a U-Net of slices that outlines regions in several modalities at once; it is trained on real images."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from monai.networks.nets import UNet
from torch import Tensor, nn
from torch.nn import functional as F

from anysyn.evaluation.errors import EvaluationError
from anysyn.files import read_json, write_json
from anysyn.training.run_folder.checkpoints import read_tensors, write_tensors

WIDTHS = (8, 16, 32, 64)
MULTIPLE = 2 ** (len(WIDTHS) - 1)  # what the edges of a slice are padded to


@dataclass(frozen=True)
class Segmenter:
    """A trained segmenter.

    Args:
        network: From (B, M, H, W) to logits (B, R, H, W).
        inputs: M modalities in order.
        regions: R names in order.
    """

    network: nn.Module
    inputs: tuple[str, ...]
    regions: tuple[str, ...]

    @torch.inference_mode()
    def masks(self, images: Mapping[str, Tensor], size: int = 32) -> Tensor:
        """Outline the regions in the images of a subject, axial slice by slice; a modality that is left out is zero.

        Args:
            images: By modality, (X, Y, Z) prepared intensities.
            size: Slices at once.

        Returns:
            (R, X, Y, Z) bool, on the CPU.
        """
        device = next(self.network.parameters()).device
        slices = channels(images, self.inputs).permute(3, 0, 1, 2)  # (Z, M, X, Y)
        x, y = slices.shape[2:]
        whole = padded(slices, (x, y))
        logits = [self.network(part.to(device)).cpu()[..., :x, :y] for part in torch.split(whole, size)]
        return (torch.cat(logits) > 0).permute(1, 2, 3, 0).contiguous()  # (R, X, Y, Z)


@dataclass(frozen=True)
class Segmenters:
    """The segmenters of one task.

    Args:
        whole: The one that is shown all modalities.
        without: By modality, one that was trained without it.
        alone: By modality, one that sees it alone.
    """

    whole: Segmenter
    without: Mapping[str, Segmenter]
    alone: Mapping[str, Segmenter]


def network(inputs: int, regions: int, seed: int) -> nn.Module:
    """Build MONAI's residual U-Net with weights drawn from a seed.

    Args:
        inputs: Modalities.
        regions: Output channels; regions may overlap, so each has a logit of its own.
        seed: Draws the weights.

    Example:
        >>> network(4, 3, seed=0)(torch.zeros(2, 4, 16, 24)).shape
        torch.Size([2, 3, 16, 24])
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        built: nn.Module = UNet(
            spatial_dims=2,
            in_channels=inputs,
            out_channels=regions,
            channels=WIDTHS,
            strides=(2,) * (len(WIDTHS) - 1),
            num_res_units=2,
            norm="batch",
        )
        return built


def channels(images: Mapping[str, Tensor], names: Sequence[str]) -> Tensor:
    """Stack images by name, zero where one is absent.

    Args:
        images: By modality, (X, Y, Z), at least one of the names.
        names: M modalities.

    Returns:
        (M, X, Y, Z) float32.

    Example:
        >>> channels({"T1w": torch.ones(1, 1, 1)}, ["T1w", "T2w"]).flatten().tolist()
        [1.0, 0.0]
    """
    blank = torch.zeros_like(next(images[name] for name in names if name in images))
    return torch.stack([images.get(name, blank) for name in names]).float()  # (M, X, Y, Z)


def padded(slices: Tensor, edges: tuple[int, int]) -> Tensor:
    """Add zeros at the far ends, so that the edges are at least as asked for and can be halved by the network.

    Args:
        slices: (B, M, H, W).
        edges: The height and the width asked for.

    Example:
        >>> padded(torch.ones(1, 1, 3, 9), (3, 9)).shape
        torch.Size([1, 1, 8, 16])
    """
    height, width = (-(-edge // MULTIPLE) * MULTIPLE for edge in edges)
    return F.pad(slices, (0, width - slices.shape[-1], 0, height - slices.shape[-2]))  # (B, M, H', W')


def write_segmenter(segmenter: Segmenter, folder: Path, record: Mapping[str, Any]) -> None:
    """Keep a segmenter: its weights as safetensors, and beside them a record of what it was trained on.

    Args:
        segmenter: What is kept.
        folder: Where; there is a file for each set of modalities.
        record: Has to be the same for the segmenter to be used again.
    """
    weights, about = _files(folder, segmenter.inputs)
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(weights, segmenter.network.state_dict())
    write_json(about, dict(record))


def read_segmenter(
    folder: Path, shown: Sequence[str], regions: Sequence[str], record: Mapping[str, Any]
) -> Segmenter | None:
    """Read a segmenter that was kept, or return None where there is none.

    Args:
        folder: Where.
        shown: The modalities that it is shown.
        regions: What it looks for.
        record: What it has to have been trained on.

    Raises:
        EvaluationError: If it was trained on something else, or cannot be read; the message says what differs.
    """
    weights, about = _files(folder, shown)
    if not about.is_file():
        return None
    try:
        written = read_json(about)
        differing = [name for name in record if written.get(name) != json.loads(json.dumps(record[name]))]
        model = network(len(shown), len(regions), seed=0)
        if not differing:
            model.load_state_dict(read_tensors(weights))
    except (OSError, ValueError, AttributeError, RuntimeError, safetensors.SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise EvaluationError(f"{weights}: cannot be read ({reason}); delete it, and it is trained anew") from error
    if differing:
        raise EvaluationError(
            f"{weights} was trained with another {', '.join(differing)}; name another folder with --segmenter"
        )
    return Segmenter(model.eval(), tuple(shown), tuple(regions))


def _files(folder: Path, shown: Sequence[str]) -> tuple[Path, Path]:
    stem = "+".join(shown)
    return folder / f"{stem}.safetensors", folder / f"{stem}.json"
