"""Selective supervision of PMM-Synth: what is synthesized and what is reconstructed, only where truth exists."""

from __future__ import annotations

from torch import Tensor

from anysyn.ops import among, chosen
from anysyn.registry import register
from anysyn.types import Loss, Outcome


def selective_sum(errors: Tensor, mask: Tensor) -> Tensor:
    """Sum errors over the images of a sample and average over the samples: ``sum_i c_i e_i``, Eqs. 6 to 9 of PMM-Synth.

    Args:
        errors: (N,), one for each image that counts, in the order of the mask.
        mask: (B, K) bool, true where an image counts.

    Returns:
        A scalar. As a mean over samples it is, averaged over ranks of equally many samples, that of all of them.

    Example:
        >>> import torch
        >>> selective_sum(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([[True, True], [True, False]])).item()
        3.5
    """
    return errors.sum() / len(mask)


def synthesized(outcome: Outcome) -> Tensor:
    """Return where a target has a truth and was not shown: ``(1 - sc_i) m_i``, (B, K) bool."""
    return outcome.mask & ~among(outcome.query.targets, outcome.query.sources)


def reconstructed(outcome: Outcome) -> Tensor:
    """Return where a target has a truth and was shown: ``sc_i m_i``, (B, K) bool."""
    return outcome.mask & among(outcome.query.targets, outcome.query.sources)


@register("loss", "synthesis_l1")
class SynthesisL1(Loss):
    """Sum the mean absolute errors of the targets that were not shown, where they have a truth (Eq. 6 of PMM-Synth).

    Args:
        weight: What the objective multiplies by; 100 in PMM-Synth.

    Example:
        >>> SynthesisL1(weight=100.0).weight
        100.0
    """

    counted = staticmethod(synthesized)

    def forward(self, outcome: Outcome) -> Tensor:
        """Return a scalar; zero, with a gradient of zero, where nothing counts."""
        mask = self.counted(outcome)  # (B, K)
        if not bool(mask.any()):
            return outcome.prediction.sum() * 0
        known, wanted = (chosen(images, mask) for images in (outcome.prediction, outcome.truth))  # (N, *S)
        errors = (known - wanted).abs().flatten(1).mean(1)  # (N,)
        return selective_sum(errors, mask)


@register("loss", "reconstruction_l1")
class ReconstructionL1(SynthesisL1):
    """Sum the mean absolute errors of the targets that were shown (Eq. 7 of PMM-Synth).

    Args:
        weight: What the objective multiplies by; 30 in PMM-Synth.

    Example:
        >>> ReconstructionL1(weight=30.0).weight
        30.0
    """

    counted = staticmethod(reconstructed)
