"""Swin-Unet parts tokens as a pixel shuffle does, and its windows are joined."""

import torch
from torch import nn

from anysyn.nn.swin import PatchExpansion
from anysyn.registry import build


def test_tokens_are_parted_as_by_a_pixel_shuffle():
    torch.manual_seed(0)
    expansion, x = PatchExpansion(dimensions=2, inputs=6, outputs=5, factor=3), torch.randn(2, 6, 4, 3)
    shuffled = nn.functional.pixel_shuffle(nn.functional.conv2d(x, expansion.linear.weight), 3)
    mean, variance = shuffled.mean(1, keepdim=True), shuffled.var(1, unbiased=False, keepdim=True)
    torch.testing.assert_close(expansion(x), (shuffled - mean) / (variance + 1e-5).sqrt())


def test_the_windows_of_a_stage_are_joined_by_the_shift():
    """What one voxel changes reaches beyond its window, since every other block shifts the windows."""
    torch.manual_seed(0)
    spec = {"name": "swin_unet", "feature_size": 8, "depths": (2,), "head_width": 4, "window": 4, "drop_path": 0.0}
    encoder = build("encoder", spec, modalities=1, dimensions=2).eval()
    images = torch.zeros(1, 1, 64, 64)
    other = images.clone()
    other[0, 0, 12:16, 12:16] = 1.0  # the last token of the first window
    changed = (encoder(other, torch.tensor([[0]])).deep - encoder(images, torch.tensor([[0]])).deep).abs().amax(1)[0]
    assert (changed[4:6, 4:6] > 1e-6).any()
    assert (changed[8:, 8:] < 1e-6).all()
