"""Bone of a synthesized CT: Dice and distance of what is dense in it and in the real one."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from anysyn.evaluation.metrics.metrics import Comparison, Metric
from anysyn.registry import register

DENSE = 200.0  # HU from which a voxel counts as bone


def bone_of(comparison: Comparison) -> tuple[Tensor, Tensor] | None:
    """Return the bone of prediction and truth, both (X, Y, Z) bool; None where nothing says where bone is.

    Bone of the truth is what has at least 200 HU in the bone mask, bone of the prediction what has at least 200 HU in
    the mask of the body. What is dense in the truth outside of bone, contrast agent or metal, counts in neither.

    Args:
        comparison: Of CT in HU.
    """
    c = comparison
    if c.bone is None:
        return None
    dense_p, dense_t = ((image >= DENSE - c.zero) for image in (c.prediction, c.truth))
    counted = c.bone | ~dense_t
    if c.mask is not None:
        counted = counted & c.mask
    return dense_p & counted, dense_t & c.bone & counted


class BoneMetric(Metric):
    """A comparison of bone; NaN for a subject without a mask of bone, or without any bone."""

    def value(self, comparison: Comparison) -> Tensor:
        """Return the metric, NaN where the bone is unknown."""
        parts = bone_of(comparison)
        if parts is None or not parts[1].any():
            return torch.tensor(float("nan"), dtype=torch.float64)
        return self.compare(*parts, comparison.spacing[: parts[1].ndim])

    def compare(self, found: Tensor, truth: Tensor, spacing: tuple[float, ...]) -> Tensor:
        """Return the metric of two masks, of which the truth is not empty."""
        raise NotImplementedError


@register("metric", "dice_bone")
class BoneDice(BoneMetric):
    """Dice coefficient of bone, for subjects with a mask of it (SynthRAD 2025); higher is better."""

    name, label, higher_is_better = "dice_bone", "Dice of bone", True

    def compare(self, found: Tensor, truth: Tensor, spacing: tuple[float, ...]) -> Tensor:
        """Return ``2 |A and B| / (|A| + |B|)``."""
        from monai.metrics import compute_dice  # here, since monai takes seconds to import

        overlap: Tensor = compute_dice(found[None, None].float(), truth[None, None].float())
        return overlap[0, 0].double()


@register("metric", "hd95_bone")
class BoneDistance(BoneMetric):
    """95th percentile of the distance between the surfaces of bone, in mm (SynthRAD 2025); lower is better."""

    name, label, digits = "hd95_bone", "HD95 of bone (mm)", 2

    def compare(self, found: Tensor, truth: Tensor, spacing: tuple[float, ...]) -> Tensor:
        """Return the distance; if no bone was found, the diagonal of the image, so that the case still counts."""
        if not found.any():
            diagonal = math.dist([0.0] * truth.ndim, [n * s for n, s in zip(truth.shape, spacing, strict=True)])
            return torch.tensor(diagonal, dtype=torch.float64)
        how = {"include_background": True, "percentile": 95, "spacing": spacing}
        from monai.metrics import compute_hausdorff_distance

        distance: Tensor = compute_hausdorff_distance(found[None, None].float(), truth[None, None].float(), **how)
        return distance[0, 0].double()
