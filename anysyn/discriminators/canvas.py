"""A discriminator that reads all modalities of a sample at once and scores each of them, patch by patch."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from anysyn.bounds import Count, Halvings
from anysyn.errors import RecipeError
from anysyn.nn.strided import SLOPE
from anysyn.registry import Given, register
from anysyn.types import SetDiscriminator


@register("part", "canvas_patchgan")
class CanvasPatchGAN(SetDiscriminator):
    """PatchGAN of a completed canvas, with the real canvas as a second input, that scores patches of every modality.

    The discriminator of MM-GAN (Sharma and Hamarneh, TMI 2020): convolutions of kernel 4 and stride 2, all but the
    first with an instance norm without parameters, then one of stride 1 with a channel per modality. For four
    modalities it has 2,794,432 parameters. Used by the loss `canvas_adversarial` and the objective
    `canvas_discrimination`.

    Args:
        modalities: Number of modalities in the recipe.
        dimensions: Voxel axes of the network, 2 or 3.
        depth: Slices of a slab, which become channels.
        width: Channels of the first layer; each layer doubles them.
        layers: Layers of stride 2.

    Raises:
        RecipeError: If ``layers`` is below 1.

    Example:
        >>> judge = CanvasPatchGAN(modalities=4, dimensions=2, width=4, layers=2)
        >>> judge(torch.rand(3, 4, 32, 48), torch.rand(3, 4, 32, 48)).shape
        torch.Size([3, 4, 8, 12])
    """

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        width: Count = 64,
        layers: Halvings = 4,
    ) -> None:
        super().__init__()
        if layers < 1:
            raise RecipeError(f"canvas_patchgan needs a layer, not layers: {layers}")
        self.depth = depth
        convolution, norm, pad = {
            2: (nn.Conv2d, nn.InstanceNorm2d, nn.ZeroPad2d((2, 1) * 2)),
            3: (nn.Conv3d, nn.InstanceNorm3d, nn.ZeroPad3d((2, 1) * 3)),
        }[dimensions]
        widths = [2 * modalities * depth, *(width * 2**i for i in range(layers))]
        steps: list[nn.Module] = []
        for i, (inputs, outputs) in enumerate(pairwise(widths)):
            steps.append(convolution(inputs, outputs, 4, stride=2, padding=1))
            steps += [norm(outputs)] if i else []
            steps.append(nn.LeakyReLU(SLOPE))
        # An even kernel needs one more voxel of padding on one side.
        self.network = nn.Sequential(*steps, pad, convolution(widths[-1], modalities, 4, bias=False))

    def forward(self, canvas: Tensor, real: Tensor) -> Tensor:
        """Score the modalities of canvases.

        Args:
            canvas: (B, M, *S), real and synthesized images; zero if a modality has neither.
            real: (B, M, *S), real images; zero if a modality has none.

        Returns:
            (B, M, *T), a score for each patch of each modality.
        """
        channels = torch.cat([canvas, real], 1)  # (B, 2 M, *S)
        scores: Tensor = self.network(channels.flatten(1, 2) if self.depth > 1 else channels)  # (B, M, *T)
        return scores
