"""A decoder that maps the features of each voxel by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from anysyn.bounds import Count
from anysyn.decoders.cnn import GridDecoder
from anysyn.errors import RecipeError
from anysyn.nn.arithmetic import Affine, affine_at, fold_affine
from anysyn.nn.mlp import MLP
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("decoder", "mlp")
class MLPDecoder(GridDecoder):
    """Voxel-wise MLP: maps the features of each voxel to its intensities.

    The decoder of UniSyn, with 4,730,888 parameters for 768 features and slabs of 8 slices. It reads the deepest
    features alone; if they have a stride, it outputs all the voxels that a feature covers. Without gradients, a scale
    and a shift of the channels in front of it (`alpha_beta`, `film`) are folded into its first layer, which is exact
    (`anysyn.nn.arithmetic.fold_affine`) and needs no modulated copy of the features.

    Args:
        widths, strides, dimensions, depth: As in `GridDecoder`, supplied by the build.
        hidden: Widths of the hidden layers.
        chunk: Voxels evaluated at a time without gradients, over all samples, which bounds the memory.

    Raises:
        RecipeError: If ``chunk`` is below 1.

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
        hidden: Sequence[Count] = (2048, 1024, 1024),
        chunk: Count = 8192,
    ) -> None:
        super().__init__()
        if chunk < 1:
            raise RecipeError(f"decoder mlp needs a voxel in a chunk, not {chunk=}")
        self.depth, self.stride, self.chunk = depth, strides[-1], chunk
        self.mlp = MLP(widths[-1], hidden, depth * self.stride**dimensions)
        self.sites = [Site("decoder/in", widths[-1], "deep")]

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Decode the features to an image: (B, depth, *S without the slab's axis)."""
        affine = None if torch.is_grad_enabled() else affine_at(modulate, "decoder/in")
        x = modulate("decoder/in", features.deep) if affine is None else features.deep  # (B, C, *S / stride)
        cells = self._decode_cells(x, affine)  # (B, O, *S / stride)
        return _pixels_of(cells, self.stride)  # (B, depth, *S without the slab's axis)

    def _decode_cells(self, x: Tensor, affine: Affine | None) -> Tensor:
        columns = x.flatten(2)  # (B, C, V)
        size = columns.shape[-1] if torch.is_grad_enabled() else max(1, self.chunk // x.shape[0])
        first = self.mlp.first if affine is None else _folded_layer(self.mlp.first, affine)
        parts = [self.mlp.rest(first(chunk.mT)) for chunk in torch.split(columns, size, -1)]  # (B, v, O) each
        return torch.cat(parts, 1).mT.reshape(x.shape[0], -1, *x.shape[2:])  # (B, O, *S / stride)


def _folded_layer(layer: nn.Linear, affine: Affine) -> Callable[[Tensor], Tensor]:
    weight, bias = fold_affine(layer.weight, layer.bias, affine)  # (B, H, C), (B, H)
    return lambda rows: torch.baddbmm(bias.unsqueeze(1), rows, weight.mT)  # (B, v, H)


def _pixels_of(cells: Tensor, stride: int) -> Tensor:
    """Return images whose pixels are channels of their cells, (B, C stride^d, *S / stride) in d dimensions."""
    if cells.dim() == 4:
        return nn.functional.pixel_shuffle(cells, stride)  # (B, C, *S)
    from monai.networks.utils import pixelshuffle  # here, since monai takes seconds to import

    image: Tensor = pixelshuffle(cells, cells.dim() - 2, stride)  # (B, C, *S)
    return image
