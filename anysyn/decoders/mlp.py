"""A decoder that reads each voxel by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from monai.networks.utils import pixelshuffle
from torch import Tensor, nn

from anysyn.decoders.cnn import GridDecoder
from anysyn.errors import RecipeError
from anysyn.nn.arithmetic import Affine, affine_at, folded
from anysyn.nn.mlp import MLP
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("decoder", "mlp")
class MLPDecoder(GridDecoder):
    """Turn the features of each voxel into its intensities by one perceptron, the same everywhere.

    The decoder of UniSyn: behind 768 features with slabs of 8 slices it has 4,730,888 parameters. Without gradients a
    scale and a shift of the channels that act in front of it, as `alpha_beta` and `film` do, are taken into its first
    layer, exactly (`anysyn.nn.arithmetic.folded`), so that no features of the target are laid out.

    Behind an encoder with a stride it answers for every voxel of a cell of the features; skips are not read. Places
    between voxels are interpolated.

    Args:
        widths: Channels of the encoder's levels, finest first; the deepest features are decoded.
        strides: Strides of the encoder's levels, finest first.
        dimensions: Voxel axes of the network, 2 or 3.
        depth: Slices of a slab; the perceptron gives a number for each.
        hidden: Widths of the perceptron's hidden layers.
        chunk: Voxels at a time without gradients, over all samples: what bounds the memory.

    Raises:
        RecipeError: If a chunk holds no voxel.

    Example:
        >>> decoder = MLPDecoder(widths=(12,), strides=(1,), dimensions=2, hidden=(16,))
        >>> decoder(Features((), torch.rand(3, 12, 10, 9)), torch.zeros(3, 1, dtype=torch.long)).shape
        torch.Size([3, 1, 10, 9])
    """

    def __init__(
        self,
        *,
        widths: Given[Sequence[int]],
        strides: Given[Sequence[int]],
        dimensions: Given[int],
        depth: Given[int] = 1,
        hidden: Sequence[int] = (2048, 1024, 1024),
        chunk: int = 8192,
    ) -> None:
        super().__init__()
        if chunk < 1:
            raise RecipeError(f"decoder mlp needs a voxel in a chunk, not {chunk=}")
        self.depth, self.stride, self.chunk = depth, strides[-1], chunk
        self.mlp = MLP(widths[-1], hidden, depth * self.stride**dimensions)
        self.sites = [Site("decoder/in", widths[-1], "deep")]

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Make the image from the features: (B, depth, *S without the slab's axis)."""
        affine = None if torch.is_grad_enabled() else affine_at(modulate, "decoder/in")
        x = modulate("decoder/in", features.deep) if affine is None else features.deep  # (B, C, *S / stride)
        cells = self._of_cells(x, affine)  # (B, O, *S / stride)
        image: Tensor = pixelshuffle(cells, cells.dim() - 2, self.stride)  # (B, depth, *S without the slab's axis)
        return image

    def _of_cells(self, x: Tensor, affine: Affine | None) -> Tensor:
        columns = x.flatten(2)  # (B, C, V)
        many = columns.shape[-1] if torch.is_grad_enabled() else max(1, self.chunk // len(x))
        first = self.mlp.first if affine is None else _folded_layer(self.mlp.first, affine)
        parts = [self.mlp.rest(first(some.mT)) for some in torch.split(columns, many, -1)]  # (B, v, O) each
        return torch.cat(parts, 1).mT.reshape(len(x), -1, *x.shape[2:])  # (B, O, *S / stride)


def _folded_layer(layer: nn.Linear, affine: Affine) -> Callable[[Tensor], Tensor]:
    weight, bias = folded(layer.weight, layer.bias, affine)  # (B, H, C), (B, H)
    return lambda rows: torch.baddbmm(bias.unsqueeze(1), rows, weight.mT)  # (B, v, H)
