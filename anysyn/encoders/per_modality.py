"""An encoder for each source modality."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from anysyn.nn.subnetworks import copies, sites_of, within
from anysyn.ops import beside, for_rows, rejoin, rows_by_value
from anysyn.registry import Given, register
from anysyn.types import Encoder, Features, Modulate, unmodulated


@register("encoder", "per_modality")
class PerModalityEncoder(Encoder):
    """An encoder of the same design for each source modality; queries have one source.

    With the decoder of the same name it is ``3E3D`` of OmniSyn (Table 3). The design's site ``encoder/block0`` is named
    ``encoder/T1w/block0`` in the encoder of T1w.

    Args:
        names: The modalities of the recipe.
        of: The design; each modality draws its own weights. ``inputs: stack`` gives an encoder its source alone.

    Example:
        >>> import torch
        >>> from anysyn.encoders import UNetEncoder
        >>> design = UNetEncoder(modalities=2, dimensions=2, widths=(8, 16), inputs="stack")
        >>> encoder = PerModalityEncoder(names=("T1w", "T2w"), of=design)
        >>> encoder(torch.rand(3, 2, 16, 16), torch.tensor([[0], [1], [0]])).deep.shape
        torch.Size([3, 16, 8, 8])
    """

    def __init__(self, *, names: Given[Sequence[str]], of: Encoder) -> None:
        super().__init__()
        self.dimensions, self.widths, self.strides = of.dimensions, of.widths, of.strides
        self.sites = sites_of(of.sites, names)
        self.encoders = copies(of, names)

    def forward(self, images: Tensor, sources: Tensor, modulate: Modulate = unmodulated) -> Features:
        """Encode the source of each sample, (B, 1), as `JointEncoder` does; samples may have different ones.

        Raises:
            ValueError: If the query has several sources.
        """
        if sources.shape[1] != 1:
            raise ValueError(
                f"encoder per_modality takes one source, but the query shows {sources.shape[1]}; "
                "ask with `queries: {name: one_to_one}`, or use one encoder for all with `inputs: canvas`"
            )
        named = list(self.encoders.items())
        groups = rows_by_value(sources[:, 0])
        if len(groups) == 1:
            name, encoder = named[groups[0][0]]
            features: Features = encoder(images, sources, within(modulate, name))
            return features
        encoded: list[Features] = []
        for modality, rows in groups:
            name, encoder = named[modality]
            act = within(for_rows(modulate, rows, len(sources)), name)
            encoded.append(encoder(images[beside(rows, images)], sources[rows], act))
        samples = [rows for _, rows in groups]
        skips = zip(*(features.skips for features in encoded), strict=True)
        return Features(
            tuple(rejoin(level, samples) for level in skips),  # (B, C_i, *S / stride_i) each
            rejoin([features.deep for features in encoded], samples),  # (B, C, *S / deepest stride)
        )
