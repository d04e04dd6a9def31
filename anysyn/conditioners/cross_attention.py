"""Let what is known of the target query the voxels, and gate the channels by the answer."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from anysyn.bounds import Count, Positive
from anysyn.conditioners.conditioner import Conditioner
from anysyn.errors import RecipeError
from anysyn.nn.fusion import Layout, TextFusion
from anysyn.registry import Given, register
from anysyn.types import Condition, Descriptor, Site


@register("conditioner", "cross_attention")
class CrossAttention(Conditioner):
    """Gate the channels by what the target's text learns from the voxels, then a gated feed-forward network.

    The fusion of TUMSyn at ``decoder/in``: the adapted text queries the voxels, each a token; the answer multiplies the
    channels of all voxels; norm, feed-forward network over neighbouring voxels (`anysyn.nn.gated_ffn`), norm. Queries
    and keys have length one in each head, and each head learns how sharply it looks. Without gradients the memory it
    needs beside features and answer does not grow with the image.

    Args:
        sites: Where it acts, with weights of its own at each.
        reads: What it knows.
        dimensions: Voxel axes of the features, 2 or 3.
        heads: Heads of the attention.
        temperature: Where that of each head begins; the cosines of query and keys are divided by it. The published
            code leaves it at 1.
        expansion: How many times wider than the features each half of the feed-forward network is.
        residual: Whether the gate is the adapted text plus its attention, as around the attention of a transformer.
            Without it, as published, the text reaches the image only by which voxels it looks at.
        layout: What the text looks at: ``voxels``, or ``runs`` of voxels of one channel, for weights of TUMSyn's
            published code. Runs depend on the size of the tile, and need the keys and values of all its voxels.
        chunk: Voxels at a time where no gradient is asked for: what bounds the memory.

    Raises:
        RecipeError: If the heads cannot share the channels of a site, or a number is not above 0.

    Example:
        >>> import torch
        >>> from anysyn.descriptors import ModalityLabel
        >>> label = ModalityLabel(modalities=4)
        >>> fusion = CrossAttention(sites=[Site("decoder/in", 16)], reads=label, dimensions=3)
        >>> condition = Condition(torch.zeros(1, 1, 32), torch.ones(1, 1, 32))
        >>> fusion(torch.rand(1, 16, 4, 5, 6), condition, "decoder/in").shape
        torch.Size([1, 16, 4, 5, 6])
    """

    def __init__(
        self,
        *,
        sites: Given[Sequence[Site]],
        reads: Descriptor,
        dimensions: Given[int],
        heads: Count = 8,
        temperature: Positive = 0.1,
        expansion: Count = 2,
        residual: bool = True,
        layout: Layout = "voxels",
        chunk: Count = 8192,
    ) -> None:
        super().__init__(sites=sites, reads=reads)
        _check(sites, heads=heads, temperature=temperature, expansion=expansion, chunk=chunk)
        self.fusions = self.per_site(
            lambda site: TextFusion(
                dimensions=dimensions,
                width=reads.width,
                channels=site.channels,
                heads=heads,
                temperature=temperature,
                expansion=expansion,
                residual=residual,
                layout=layout,
                chunk=chunk,
            )
        )

    def forward(self, features: Tensor, condition: Condition, site: str) -> Tensor:
        """Return the fused features: (B, C, *S) to (B, C, *S)."""
        fused: Tensor = self.at(self.fusions, site)(features, self.tokens(condition, site))
        return fused


def _check(sites: Sequence[Site], *, heads: int, temperature: float, expansion: int, chunk: int) -> None:
    if min(heads, temperature, expansion, chunk) <= 0:
        raise RecipeError(f"cross_attention: {heads=}, {temperature=}, {expansion=} and {chunk=} must be above 0")
    for site in sites:
        if site.channels % heads:
            fitting = max(n for n in range(1, heads) if site.channels % n == 0)
            raise RecipeError(
                f"cross_attention: {heads} heads cannot share the {site.channels} channels of {site.name}; "
                f"for example heads: {fitting}"
            )
