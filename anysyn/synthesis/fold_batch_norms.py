"""Batch norms folded into the convolutions before them: the same answers with less work."""

from __future__ import annotations

from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def fold_batch_norms(module: nn.Module) -> nn.Module:
    """Fold each batch norm that follows a convolution of an ``nn.Sequential`` into it, once training is over.

    With its statistics fixed a batch norm is a factor and an offset for each channel, and so is a convolution's end.
    The folded convolution is a new module and the batch norm's place stays empty, so a convolution that is used
    elsewhere too keeps its weights there.

    Args:
        module: A network in evaluation mode; it is changed.

    Returns:
        The module.

    Raises:
        ValueError: If it is in training mode.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
        >>> [type(layer).__name__ for layer in fold_batch_norms(network)]
        ['Conv2d', 'Identity', 'ReLU']
    """
    if module.training:
        raise ValueError("batch norms can be folded in evaluation mode only: call .eval() first")
    for sequence in [part for part in module.modules() if isinstance(part, nn.Sequential)]:
        for i, (before, after) in enumerate(pairwise(list(sequence))):
            if not isinstance(before, CONVOLUTIONS) or not isinstance(after, BATCH_NORMS):
                continue
            if after.running_mean is not None:  # one that keeps no statistics depends on the image
                sequence[i], sequence[i + 1] = fuse_conv_bn_eval(before, after), nn.Identity()
    return module
