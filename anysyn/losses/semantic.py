"""Semantic supervision: does a synthesized image look like the description of its modality?"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from anysyn.bounds import NotNegative
from anysyn.ops import beside, chosen, slices
from anysyn.registry import register
from anysyn.types import ImageTextModel, Loss, Outcome


@register("loss", "semantic")
class Semantic(Loss):
    """Distance between a synthesized image and the description of its modality, in an image-text model's space.

    ``1 - E_v . E_t / (|E_v| |E_t|)``: OmniSyn, Eq. 6. The text side is a constant; leave the model out of what the step
    trains, so that gradients pass through its image tower to the image and change nothing on their way. Of an image
    with three voxel axes each slice along the first is judged.

    Args:
        clip: The image-text model.

    Example:
        >>> Semantic(clip=ImageTextModel(), weight=0.1).weight
        0.1
    """

    whole_images = True

    def __init__(self, *, clip: ImageTextModel, weight: NotNegative = 1.0) -> None:
        super().__init__(weight=weight)
        self.clip = clip

    def forward(self, outcome: Outcome) -> Tensor:
        """Return a scalar from 0, the same direction, to 2, the opposite one."""
        if not bool(outcome.mask.any()):
            return outcome.prediction.sum() * 0
        judged = chosen(outcome.prediction, outcome.mask)  # (N, *S)
        seen = slices(judged, self.clip.dimensions)  # (N, Z, 1, H, W), or (N, 1, 1, X, Y, Z)
        known = self.clip.modality_embeddings().detach()  # (M, D)
        wanted = known[beside(outcome.query.targets[outcome.mask], known)]  # (N, D)
        asked = wanted.repeat_interleave(seen.shape[1], 0)  # (N Z, D)
        embedded = self.clip.encode_image(seen.flatten(0, 1))  # (N Z, D)
        return (1 - F.cosine_similarity(embedded.float(), asked.float(), dim=1)).mean()
