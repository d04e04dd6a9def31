"""A multi-layer perceptron whose first layer can be applied separately."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from anysyn.ops import apply_in_float32, at_least_float32


class MLP(nn.Module):
    """Multi-layer perceptron: linear layers with a ReLU between them and none at the end.

    The linear layers are ``layers.0``, ``layers.2``, ..., with the names and shapes of LIIF's code, so its weights
    load.

    Args:
        inputs: Input features.
        hidden: Widths of the hidden layers.
        outputs: Output features.

    Example:
        >>> import torch
        >>> mlp = MLP(580, [256, 256], 3)
        >>> mlp(torch.rand(5, 580)).shape, [name for name, _ in mlp.named_parameters()][::2]
        (torch.Size([5, 3]), ['layers.0.weight', 'layers.2.weight', 'layers.4.weight'])
    """

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int) -> None:
        super().__init__()
        first, *others = (nn.Linear(before, after) for before, after in pairwise((inputs, *hidden, outputs)))
        self.layers = nn.Sequential(first, *(part for layer in others for part in (nn.ReLU(inplace=True), layer)))

    @property
    def first(self) -> nn.Linear:
        """Return the first layer."""
        return cast(nn.Linear, self.layers[0])

    @property
    def inputs(self) -> int:
        """Return the number of input features."""
        return self.first.in_features

    @property
    def outputs(self) -> int:
        """Return the number of output features."""
        return cast(nn.Linear, self.layers[-1]).out_features

    def forward(self, rows: Tensor) -> Tensor:
        """Map (..., inputs) to (..., outputs), float32."""
        if len(self.layers) == 1:
            return apply_in_float32(self.first, rows)  # (..., outputs)
        return self.rest(self.first(rows))  # (..., outputs)

    def rest(self, rows: Tensor) -> Tensor:
        """Apply all but the first layer to its output, which is overwritten: (..., H) to (..., outputs), float32."""
        if len(self.layers) == 1:
            return at_least_float32(rows)
        return apply_in_float32(self.layers[-1], self.layers[1:-1](rows))  # (..., outputs)
