"""Metrics of torchmetrics, an extra (``anysyn[metrics]``): MS-SSIM of whole images, and LPIPS."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.metrics.metrics import Comparison, Metric
from anysyn.files.hashes import digest
from anysyn.registry import register

LIBRARY = "torchmetrics"
AT_ONCE = 16  # slices that go through AlexNet together


def check_library(name: str) -> None:
    """Raise an `EvaluationError` unless the extra that a metric needs is installed.

    Args:
        name: The metric, for the message.
    """
    if find_spec(LIBRARY) is None:
        raise EvaluationError(f"metric {name!r} needs torchmetrics; install it with: pip install 'anysyn[metrics]'")


def alexnet_weights() -> Path:
    """Return the file of AlexNet's weights in torch's cache; nothing is downloaded.

    Raises:
        EvaluationError: If it is not there, or is not what its name says; the message says how to get it.
    """
    from torchvision.models import AlexNet_Weights

    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(AlexNet_Weights.DEFAULT.url).name
    remedy = "where there is a network: python -c \"import torchvision; torchvision.models.alexnet(weights='DEFAULT')\""
    if not path.is_file():
        raise EvaluationError(f"metric 'lpips' needs the weights of AlexNet, {path}, which are not there; {remedy}")
    if not digest(path).startswith(path.stem.rpartition("-")[2]):  # the name ends with the first digits of its hash
        raise EvaluationError(f"{path}: is damaged or another file; delete it, and fetch it again {remedy}")
    return path


@cache
def _perceptual() -> Any:
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    alexnet_weights()
    return LearnedPerceptualImagePatchSimilarity("alex", normalize=True).eval()


def _axial(image: Tensor, data_range: float) -> Tensor:
    """Return slices from 0 to 1 with three equal channels, (N, 3, X, Y)."""
    slices = image[None] if image.ndim == 2 else image.movedim(2, 0)  # (N, X, Y)
    scaled = (slices.float() / data_range).clamp(0, 1)
    return scaled[:, None].expand(-1, 3, -1, -1)  # (N, 3, X, Y)


class LibraryMetric(Metric):
    """A metric that torchmetrics computes, over the whole image."""

    def check(self) -> None:
        """Raise an `EvaluationError` unless torchmetrics is installed."""
        check_library(self.name)


@register("metric", "ms_ssim")
class MSSSIM(LibraryMetric):
    """Structural similarity at five scales over the whole image (torchmetrics, an extra); higher is better."""

    name, label, higher_is_better = "ms_ssim", "MS-SSIM (whole)", True

    def value(self, comparison: Comparison) -> Tensor:
        """Return the MS-SSIM (Wang et al. 2003), at most 1.

        Raises:
            ValueError: If an axis has fewer than 161 voxels, which five scales of windows of 11 need.
        """
        from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as ms_ssim

        c = comparison
        pair = (image.double()[None, None] for image in (c.prediction, c.truth))  # (1, 1, *S)
        return ms_ssim(*pair, data_range=c.data_range, sigma=1.5, normalize="relu").double()  # type: ignore[no-any-return]


@register("metric", "lpips")
class LPIPS(LibraryMetric):
    """Distance of AlexNet's features of axial slices (LPIPS, torchmetrics, an extra); lower is better.

    AlexNet has seen photographs. Its weights are read from torch's cache and never downloaded.
    """

    name, label = "lpips", "LPIPS"

    def check(self) -> None:
        """Raise an `EvaluationError` unless torchmetrics and AlexNet's weights are there."""
        super().check()
        alexnet_weights()

    @torch.inference_mode()
    def value(self, comparison: Comparison) -> Tensor:
        """Return the mean over the slices, from 0."""
        c = comparison
        pair = (torch.split(_axial(image, c.data_range), AT_ONCE) for image in (c.prediction, c.truth))
        model = _perceptual()
        distances = [(float(model(*part)), len(part[0])) for part in zip(*pair, strict=True)]
        total = sum(value * count for value, count in distances)
        return torch.tensor(total / sum(count for _, count in distances), dtype=torch.float64)
