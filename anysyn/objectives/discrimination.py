"""The step of a discriminator: real images apart from synthesized ones."""

from __future__ import annotations

import torch
from torch import Tensor

from anysyn.losses.adversarial import least_squares
from anysyn.losses.selective import selective_sum
from anysyn.objectives.synthesis import known_targets
from anysyn.ops import among, pick
from anysyn.registry import register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Discriminator, Objective, Query


@register("objective", "discrimination")
class Discrimination(Objective):
    """Teach a discriminator to tell what is synthesized from what is real, where there is a truth (Eq. 9 of PMM-Synth).

    ``sum_i (1 - sc_i) m_i (mean(D_i(y'_i)^2) + mean((D_i(y_i) - 1)^2))``, y' synthesized without gradients. Of the
    targets only those count that were not shown and have a truth; where no sample has one, the discriminator of that
    modality gets no gradient. Train the discriminator alone; the loss `adversarial` is the other side.

    Args:
        model: The synthesizer.
        discriminator: What learns.

    Example:
        >>> Discrimination(model=None, discriminator=Discriminator()).model is None
        True
    """

    def __init__(self, *, model: Synthesizer, discriminator: Discriminator) -> None:
        super().__init__()
        self.model, self.discriminator = model, discriminator

    def forward(self, batch: Batch, query: Query) -> dict[str, Tensor]:
        """Return a term for what is synthesized and one for what is real; zeros where nothing counts."""
        mask = known_targets(batch, query) & ~among(query.targets, query.sources)  # (B, K)
        if not bool(mask.any()):
            nothing = batch.images.new_zeros(())
            return {"fake": nothing, "real": nothing}
        asked, mask = query.asking(mask.any(0)), mask[:, mask.any(0)]  # (B, K asked)
        with torch.no_grad():
            fake = self.model(batch, asked).images[mask].unsqueeze(1)  # (N, 1, *S)
        real = pick(batch.images, asked.targets)[mask].unsqueeze(1)  # (N, 1, *S)
        modalities = asked.targets[mask]  # (N,)
        return {
            name: selective_sum(least_squares(self.discriminator(images, modalities), wanted), mask)
            for name, images, wanted in (("fake", fake, 0.0), ("real", real, 1.0))
        }
