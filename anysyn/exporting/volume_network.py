"""A network with its question fixed that takes pieces of a volume, in the order of the volume's axes."""

from __future__ import annotations

from torch import Tensor, nn

from anysyn.data.views import View
from anysyn.exporting.fixed_network import VOLUME, FixedNetwork


class VolumeNetwork(nn.Module):
    """Prepared sources (B, J, x, y, z) to the prepared target (B, 1, x, y, z), whatever the view of the run.

    Args:
        network: The network, whose samples are slices, slabs or patches.
        view: How the run cuts volumes.

    Attributes:
        multiple: What the network pads to along the free axes.
        free: Axes of the input along which the length may vary.
        names: Of all axes of the input.
    """

    def __init__(self, network: FixedNetwork, view: View) -> None:
        super().__init__()
        self.network, self.multiple = network, network.multiple
        self.order = [0, 1, *(axis + 2 for axis in view.axes)]
        self.back = [self.order.index(axis) for axis in range(5)]
        self.flat = len(view.spatial) == 2  # a single slice, whose axis across is left out
        self.free = tuple(sorted(axis + 2 for axis in view.axes[3 - view.dimensions :]))
        self.names = ("batch", "source", *VOLUME)

    def forward(self, images: Tensor) -> Tensor:
        """Synthesize."""
        sample = images.permute(self.order)  # (B, J, a, b, c)
        answer: Tensor = self.network(sample.squeeze(2) if self.flat else sample)  # (B, 1, *S)
        return (answer.unsqueeze(2) if self.flat else answer).permute(self.back)  # (B, 1, x, y, z)
