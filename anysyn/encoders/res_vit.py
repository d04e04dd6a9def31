"""The encoder of ResViT: residual blocks, before some of which a transformer looks at the whole image."""

from __future__ import annotations

from torch import Tensor, nn

from anysyn.encoders.downsampled_resnet import DownsampledResNetEncoder
from anysyn.encoders.unet import Inputs
from anysyn.nn.aggregated import AggregatedTransformer
from anysyn.nn.blocks import Norm
from anysyn.nn.transformer import Transformer
from anysyn.registry import Given, register

STRIDE = 16  # voxels along each axis that a token stands for


@register("encoder", "res_vit")
class ResViTEncoder(DownsampledResNetEncoder):
    """Encode the sources as ``downsampled_resnet`` does, with one transformer shown to the features before some blocks.

    The encoder of ResViT (Dalmaz et al., IEEE TMI 2022); with ``inputs: stack`` and the decoder ``transposed`` it has
    123,349,377 parameters. Its other weights have the names of ``downsampled_resnet``, so that a stage may begin with
    those of one that was trained before (``warm_start``), as published.

    Args:
        modalities: How many modalities the recipe has.
        dimensions: Voxel axes of the network, 2 or 3.
        depth: Slices of a slab; they become channels. 1 for slices and patches.
        width: Channels at full size, a quarter of those of the residual blocks.
        blocks: Residual blocks.
        transformers: Residual blocks, from 0, before which the transformer comes; all share its weights.
        tokens: Numbers of a token.
        layers: Transformer blocks.
        heads: Attention heads.
        hidden: Numbers of the hidden layer of the transformer's perceptrons.
        side: Voxels along each axis of the images whose positions are learned; they are interpolated for others.
        dropout: Share of what the transformer's branches answer that is set to zero in training.
        norm: Normalisation after the convolutions.
        inputs: ``canvas`` shows one channel for each modality, zero where it is not a source, and so takes any number
            of sources; ``stack`` shows the sources alone, in the order of the query.
        sources: Sources of a query, read by ``stack`` alone.

    Raises:
        ValueError: If the side is no multiple of 16, a transformer comes before a block that is not there, or the heads
            cannot share the channels.

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
        width: int = 64,
        blocks: int = 9,
        transformers: tuple[int, ...] = (0, 5),
        tokens: int = 768,
        layers: int = 12,
        heads: int = 12,
        hidden: int = 3072,
        side: int = 224,
        dropout: float = 0.0,
        norm: Norm = "batch",
        inputs: Inputs = "canvas",
        sources: int = 1,
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
        one = {"dimensions": dimensions, "channels": self.widths[0], "width": tokens, "side": side // STRIDE}
        self.aggregated = nn.ModuleDict(
            {str(self.halvings + number): AggregatedTransformer(**one, normalisation=norm) for number in transformers}
        )

    def block(self, number: int, x: Tensor) -> Tensor:
        """Apply one block, and before it the transformer where there is one."""
        if str(number) in self.aggregated:
            x = self.aggregated[str(number)](x, self.transformer)  # (B, C, *S / 4)
        return super().block(number, x)
