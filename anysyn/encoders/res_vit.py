"""The encoder of ResViT: residual blocks, some of them preceded by a transformer over the whole image."""

from __future__ import annotations

from torch import Tensor, nn

from anysyn.bounds import Count, ShareBelowOne, WholeNumber
from anysyn.encoders.downsampled_resnet import DownsampledResNetEncoder
from anysyn.encoders.unet import Inputs
from anysyn.nn.aggregated import AggregatedTransformer
from anysyn.nn.blocks import Norm
from anysyn.nn.transformer import Transformer
from anysyn.registry import Given, register

STRIDE = 16  # voxels per token along each axis


@register("encoder", "res_vit")
class ResViTEncoder(DownsampledResNetEncoder):
    """The encoder ``downsampled_resnet`` with one shared transformer before some of its residual blocks.

    The encoder of ResViT (Dalmaz et al., IEEE TMI 2022); with ``inputs: stack`` and the decoder ``transposed`` it has
    123,349,377 parameters. Its convolutions have the names of ``downsampled_resnet``, so a stage may start from the
    weights of one (``warm_start``), as published.

    Args:
        modalities, dimensions, depth, inputs, sources: As in `JointEncoder`.
        width: Channels at full size; the residual blocks have four times as many.
        blocks: Residual blocks.
        transformers: Residual blocks, from 0, that the transformer precedes; all share its weights.
        tokens: Token width.
        layers: Transformer blocks.
        heads: Attention heads.
        hidden: Width of the MLPs' hidden layer.
        side: Image side in voxels for which positions are learned; they are interpolated for other sizes.
        dropout: Dropout rate of the transformer's branches.
        norm: Normalisation after the convolutions.

    Raises:
        ValueError: If the side is not a multiple of 16, a transformer precedes a missing block, or the heads do not
            divide the channels.

    Example:
        >>> import torch
        >>> encoder = ResViTEncoder(
        ...     modalities=4, dimensions=2, width=4, blocks=2, transformers=[1], tokens=8, layers=1, heads=2, hidden=16
        ... )
        >>> tuple(encoder(torch.rand(3, 4, 32, 48), torch.tensor([[0, 2]] * 3)).deep.shape)
        (3, 16, 8, 12)
    """

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        width: Count = 64,
        blocks: Count = 9,
        transformers: tuple[WholeNumber, ...] = (0, 5),
        tokens: Count = 768,
        layers: Count = 12,
        heads: Count = 12,
        hidden: Count = 3072,
        side: Count = 224,
        dropout: ShareBelowOne = 0.0,
        norm: Norm = "batch",
        inputs: Inputs = "canvas",
        sources: Count = 1,
    ) -> None:
        super().__init__(
            modalities=modalities,
            dimensions=dimensions,
            depth=depth,
            width=width,
            blocks=blocks,
            norm=norm,
            inputs=inputs,
            sources=sources,
        )
        if side % STRIDE:
            raise ValueError(f"side: {side} is no multiple of {STRIDE} voxels")
        for number in transformers:
            if not 0 <= number < blocks:
                raise ValueError(f"transformers: {number} is none of the {blocks} residual blocks, from 0")
        self.transformer = Transformer(width=tokens, layers=layers, heads=heads, hidden=hidden, dropout=dropout)
        sizes = {"dimensions": dimensions, "channels": self.widths[0], "width": tokens, "side": side // STRIDE}
        self.aggregated = nn.ModuleDict(
            {str(self.halvings + number): AggregatedTransformer(**sizes, normalisation=norm) for number in transformers}
        )

    def block(self, number: int, x: Tensor) -> Tensor:
        """Apply one block, preceded by the transformer if it has one."""
        if str(number) in self.aggregated:
            x = self.aggregated[str(number)](x, self.transformer)  # (B, C, *S / 4)
        return super().block(number, x)
