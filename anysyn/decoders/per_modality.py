"""A decoder for each target modality."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from anysyn.nn.subnetworks import copies, sites_of, within
from anysyn.ops import beside, for_rows, rejoin, rows_by_value
from anysyn.points import Places
from anysyn.registry import Given, register
from anysyn.types import Decoder, Features, Modulate, unmodulated


@register("decoder", "per_modality")
class PerModalityDecoder(Decoder):
    """A decoder of the same design for each target modality.

    It needs no conditioner to know its target; with one encoder it is ``1E3D`` of OmniSyn (Table 3). The design's site
    ``decoder/in`` is named ``decoder/T1w/in`` in the decoder of T1w.

    Args:
        names: The modalities of the recipe.
        of: The design; each modality draws its own weights.

    Example:
        >>> import torch
        >>> from anysyn.decoders import CNNDecoder
        >>> decoder = PerModalityDecoder(names=("T1w", "T2w"), of=CNNDecoder(widths=(8, 16), dimensions=2))
        >>> features = Features((torch.rand(3, 8, 16, 16),), torch.rand(3, 16, 8, 8))
        >>> decoder(features, torch.tensor([[1], [0], [1]])).shape
        torch.Size([3, 1, 16, 16])
    """

    def __init__(self, *, names: Given[Sequence[str]], of: Decoder) -> None:
        super().__init__()
        self.sites = sites_of(of.sites, names)
        self.decoders = copies(of, names)

    def forward(
        self, features: Features, targets: Tensor, modulate: Modulate = unmodulated, places: Places | None = None
    ) -> Tensor:
        """Decode one target of each sample, (B, 1), as `GridDecoder` does; samples may have different ones."""
        named = list(self.decoders.items())
        groups = rows_by_value(targets[:, 0])
        if len(groups) == 1:
            name, decoder = named[groups[0][0]]
            image: Tensor = decoder(features, targets, within(modulate, name), places)  # (B, 1, *S) or (B, 1, Q)
            return image
        images: list[Tensor] = []
        for modality, rows in groups:
            name, decoder = named[modality]
            act = within(for_rows(modulate, rows, len(targets)), name)
            here = beside(rows, features.deep)
            own = Features(tuple(skip[here] for skip in features.skips), features.deep[here])  # (R, C_i, *S_i) each
            images.append(decoder(own, targets[rows], act, None if places is None else places.take(here)))
        return rejoin(images, [rows for _, rows in groups])  # (B, 1, *S) or (B, 1, Q)
