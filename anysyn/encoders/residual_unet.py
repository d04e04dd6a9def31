"""The encoder of MONAI's UNet, in two or three dimensions."""

from __future__ import annotations

from torch import Tensor, nn

from anysyn.bounds import AtLeastOne, Count
from anysyn.encoders.unet import Inputs, JointEncoder
from anysyn.errors import RecipeError
from anysyn.nn.blocks import pyramid, pyramid_sites
from anysyn.nn.residual_units import residual_unit
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate


@register("encoder", "residual_unet")
class ResidualUNetEncoder(JointEncoder):
    """Residual U-Net encoder: residual units of stride 2, and one of stride 1 at the bottom.

    The encoder of MONAI's `UNet` with residual units (Kerfoot et al., STACOM 2018), built from its modules. The finest
    level has stride 2; the last two levels have the same stride, where instance norm needs more than one voxel.

    Args:
        modalities, dimensions, depth, inputs, sources: As in `JointEncoder`.
        widths: Channels of each level, finest first.

    Raises:
        RecipeError: If there are fewer than two widths.

    Example:
        >>> import torch
        >>> encoder = ResidualUNetEncoder(modalities=4, dimensions=2, widths=(8, 12, 16))
        >>> features = encoder(torch.rand(3, 4, 16, 16), torch.tensor([[0, 2]] * 3))
        >>> [tuple(x.shape[1:]) for x in (*features.skips, features.deep)]
        [(8, 8, 8), (12, 4, 4), (16, 4, 4)]
    """

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        widths: AtLeastOne[Count] = (64, 128, 256, 512, 512),
        inputs: Inputs = "canvas",
        sources: Count = 1,
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        if len(widths) < 2:
            raise RecipeError(f"encoder residual_unet needs a level and a bottom, not widths {list(widths)}")
        self.widths = tuple(widths)
        levels = [2 ** (i + 1) for i in range(len(widths) - 1)]
        self.strides = (*levels, levels[-1])
        steps = [*[2] * len(levels), 1]
        self.blocks = nn.ModuleList(
            residual_unit(dimensions, a, b, stride=step)
            for a, b, step in zip((self.channels, *widths), widths, steps, strict=False)
        )
        self.sites = pyramid_sites(self.widths, self.widths[:-1], first=1)

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as skips (B, C_i, *S / stride_i), finest first, and the deepest features."""
        return pyramid(self.blocks, x, modulate, first=1)
