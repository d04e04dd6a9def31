"""Errors in the unit of a modality, which prepared intensities hide."""

from __future__ import annotations

from torch import Tensor

from anysyn.data.modalities import modality
from anysyn.data.scale import Window, restored
from anysyn.evaluation.metrics import mae

IN_UNIT = {"HU": "mae_hu", "SUV": "mae_suv", "SUVR": "mae_suvr"}  # whose files are always in that unit


def error_in_unit(
    prediction: Tensor, truth: Tensor, mask: Tensor, target: str, window: Window | None
) -> dict[str, float]:
    """Return the mean absolute error in HU, SUV or SUVR under the name of its metric; nothing for other units.

    Args:
        prediction: (X, Y, Z), prepared intensities.
        truth: (X, Y, Z), prepared intensities.
        mask: (X, Y, Z) bool.
        target: Modality.
        window: What 0 and 1 stand for; None where the images are in the unit themselves.

    Example:
        >>> import torch
        >>> truth = torch.tensor([0.0, 1.0])
        >>> error_in_unit(truth + 0.01, truth, truth >= 0, "CT", (-1000.0, 1000.0))["mae_hu"].__round__(3)
        20.0
        >>> error_in_unit(truth, truth, truth >= 0, "T1w", (0.0, 900.0))
        {}
    """
    name = IN_UNIT.get(modality(target).unit)
    if name is None:
        return {}
    if window is not None:
        prediction, truth = restored(prediction, window), restored(truth, window)
    return {name: float(mae(prediction, truth, mask))}
