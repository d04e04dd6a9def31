"""Take the contrast of the source off the features, and put that of the target on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from anysyn.bounds import Count, Positive
from anysyn.conditioners.conditioner import Conditioner
from anysyn.errors import RecipeError, UserError
from anysyn.nn.arithmetic import Affine, bounded_scale, invert
from anysyn.nn.mlp import MLP
from anysyn.ops import in_float32, scale_and_shift
from anysyn.registry import Given, register
from anysyn.types import Condition, Descriptor, Site


@register("conditioner", "alpha_beta")
class AlphaBeta(Conditioner):
    """Return ``(f - beta) / alpha`` of the source on the encoder's side, ``alpha f + beta`` of the target on the other.

    The arithmetic of UniSyn, at ``[encoder/out, decoder/in]``. What leaves the encoder is the content, so that a loss
    may compare that of two sources, and a target that is the source changes nothing. One mapping, a perceptron, turns
    what is known of an acquisition into alpha and beta, whether it is shown or asked for; it begins at alpha = 1 and
    beta = 0. Alpha stays between ``1 / bound`` and ``bound`` (`anysyn.nn.arithmetic`). All of it is float32, also under
    mixed precision.

    In a network with skips it may act at ``["encoder/skip*", encoder/out, "decoder/skip*", decoder/in]``, with a
    mapping for each level; the contrast of the source leaks round a bottleneck that it acts at alone.

    It knows one source and one target: content is that of one image, and how several contrasts mix in one feature is
    not known.

    Args:
        sites: Where it acts: for each level, sites on both sides.
        reads: What it knows of an image.
        hidden: Widths of the hidden layers of the mapping; none for a linear one.
        bound: Largest alpha, above 1.

    Raises:
        RecipeError: If a site has no partner on the other side, or the bound is not above 1.

    Example:
        >>> import torch
        >>> from anysyn.descriptors import ModalityLabel
        >>> sites = [Site("encoder/out", 8, "deep"), Site("decoder/in", 8, "deep")]
        >>> arithmetic = AlphaBeta(sites=sites, reads=ModalityLabel(modalities=4))
        >>> features, label = torch.rand(1, 8, 5, 5), Condition(torch.zeros(1, 1, 32), torch.ones(1, 1, 32))
        >>> torch.equal(arithmetic(features, label, "encoder/out"), features)
        True
    """

    def __init__(
        self,
        *,
        sites: Given[Sequence[Site]],
        reads: Descriptor,
        hidden: Sequence[Count] = (256,),
        bound: Positive = 8.0,
    ) -> None:
        super().__init__(sites=sites, reads=reads)
        if bound <= 1:
            raise RecipeError(f"alpha_beta: bound {bound} must be above 1, where every alpha would be 1")
        self.bound = bound
        self.heads = nn.ModuleDict(
            {level: _mapping(reads.width, hidden, channels) for level, channels in _levels(sites).items()}
        )

    def tokens(self, condition: Condition, site: str) -> Tensor:
        """Return what acts at a site: the source (B, 1, D) on the encoder's side, the target on the decoder's."""
        return condition.source if self.sites[site].side == "encoder" else condition.target

    def contrast(self, tokens: Tensor, site: str) -> Affine:
        """Return alpha and beta, (B, C) each, of an image that is described, source or target.

        Args:
            tokens: (B, 1, D).
            site: Its level counts, not its side.

        Raises:
            UserError: If several images are described.
        """
        if tokens.shape[1] != 1:
            raise UserError(
                f"alpha_beta knows one image at {site}, but the query names {tokens.shape[1]}; ask with one source and "
                "one target, in training by `queries: {name: one_to_one}`, or take another conditioner, such as film"
            )
        with in_float32(tokens.device):
            z, beta = self.heads[self.sites[site].level](tokens.squeeze(1).float()).chunk(2, dim=-1)  # (B, C) each
            return Affine(bounded_scale(z, self.bound), beta)

    def affine(self, condition: Condition, site: str) -> Affine:
        """Return the scale and the shift that act at a site, (B, C) each."""
        contrast = self.contrast(self.tokens(condition, site), site)
        return invert(contrast) if self.sites[site].side == "encoder" else contrast

    def forward(self, features: Tensor, condition: Condition, site: str) -> Tensor:
        """Return the content on the encoder's side, the target's features on the decoder's: (B, C, *S) each."""
        return scale_and_shift(features, *self.affine(condition, site))


def _mapping(width: int, hidden: Sequence[int], channels: int) -> MLP:
    mapping = MLP(width, hidden, 2 * channels)
    last = cast(nn.Linear, mapping.layers[-1])
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return mapping


def _levels(sites: Sequence[Site]) -> dict[str, int]:
    """Return the channels of each level, which must have sites on both sides."""
    sides = {(site.level, site.side) for site in sites}
    for site in sites:
        other = "decoder" if site.side == "encoder" else "encoder"
        if not site.level or (site.level, other) not in sides:
            raise RecipeError(
                f"alpha_beta: {site.name} has no partner on the other side, where the contrast is put on again, or "
                "taken off; it acts at encoder/out with decoder/in, and at encoder/skip0 with decoder/skip0, and so on"
            )
    return {site.level: site.channels for site in sites}
