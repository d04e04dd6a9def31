"""The split UNet against MONAI's whole one."""

import pytest
import torch
from monai.networks.nets import UNet
from toys import M, halves


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_halves_give_the_numbers_of_the_whole(dimensions):
    torch.manual_seed(0)
    widths = (4, 6, 8, 10)
    whole = UNet(dimensions, 2, 1, channels=widths, strides=(2, 2, 2), num_res_units=2)
    ours = {"name": "residual_unet", "widths": widths, "inputs": "stack", "sources": 2}
    encoder, decoder = halves(ours, {"name": "residual_unet", "head": "normalised"}, dimensions)
    here, down, up = whole.model, [], []
    while isinstance(here, torch.nn.Sequential):  # down, what lies below, up
        down.append(here[0])
        up.insert(0, here[2])
        here = here[1].submodule
    for ours, theirs in zip(encoder.blocks, [*down, here], strict=True):
        ours.load_state_dict(theirs.state_dict())
    for ours, theirs in zip([*decoder.blocks[1:], decoder.head], up, strict=True):  # the bottom is not enlarged
        ours.load_state_dict(theirs.state_dict())
    images = torch.randn(1, M, *(16, 32, 16)[:dimensions])
    with torch.no_grad():
        answer = decoder(encoder(images, torch.tensor([[3, 1]])), torch.tensor([[0]]))
        torch.testing.assert_close(answer, whole(images[:, [3, 1]]), atol=1e-5, rtol=1e-5)


def test_the_plain_head_leaves_images_their_own_brightness():
    """Instance normalisation in front of the image would give a bright and a dark one the same mean."""
    torch.manual_seed(0)
    means = {}
    for head in ("plain", "normalised"):
        ours = {"name": "residual_unet", "widths": (4, 6, 8)}
        encoder, decoder = halves(ours, {"name": "residual_unet", "head": head})
        features = encoder(torch.rand(2, M, 16, 16), torch.tensor([[0], [0]]))
        scale = torch.tensor([1.0, 9.0]).reshape(2, 1, 1, 1)
        means[head] = decoder(
            features._replace(skips=tuple(s * scale for s in features.skips)), torch.zeros(2, 1)
        ).mean((1, 2, 3))
    assert (means["plain"][0] - means["plain"][1]).abs() > 3 * (means["normalised"][0] - means["normalised"][1]).abs()
