"""A network that copies its source: what it answers is known for every voxel of any grid."""

from torch import nn

from anysyn.ops import pick
from anysyn.points import sample_at
from anysyn.types import Features, Synthesis


class Copy(nn.Module):
    """Answer with the first source, interpolated at the places asked for, and remember what it was told."""

    def forward(self, batch, query, places=None):
        image = pick(batch.images, query.sources[:, :1])  # (B, 1, *S)
        self.batch, self.query = batch, query
        return Synthesis(image if places is None else sample_at(image, places), Features((), image))
