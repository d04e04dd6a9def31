"""Encoder and decoder `diffusion_unet` are MONAI's network, cut behind its middle block."""

import pytest
import torch
from monai.networks.nets import DiffusionModelUNet
from toys import M, halves

CHANNELS = (8, 12, 16)
SIZES = {"name": "diffusion_unet", "groups": 4, "attention": 2, "head_width": 4}


def monai_name(side, name):
    """Name a weight of ours as MONAI does."""
    words = name.split(".")
    part = {"resnet": "resnets", "attention": "attentions"}
    if words[0] == "levels":
        blocks = "down_blocks" if side == "encoder" else "up_blocks"
        return ".".join([blocks, words[1], part[words[3]], words[2], *words[4:]])
    if words[0] == "halvings":
        return f"down_blocks.{words[1]}.downsampler.op.conv.{words[2]}"
    if words[0] == "middle":
        which = "attention" if words[2] == "attention" else f"resnet_{int(words[1]) + 1}"
        return ".".join(["middle_block", which, *words[3:]])
    if words[0] == "enlarge":
        return f"up_blocks.{words[1]}.upsampler.postconv.conv.{words[3]}"
    if words[0] == "end":
        return f"out.{words[1]}.{'conv.' if words[1] == '2' else ''}{words[2]}"
    return f"conv_in.conv.{words[1]}"


@pytest.mark.parametrize(("dimensions", "blocks"), [(2, 2), (3, 1)])
def test_it_answers_as_monai_does(dimensions, blocks):
    torch.manual_seed(0)
    theirs = DiffusionModelUNet(
        spatial_dims=dimensions,
        in_channels=M,
        out_channels=1,
        channels=CHANNELS,
        attention_levels=(False, True, True),
        num_res_blocks=blocks,
        norm_num_groups=4,
        num_head_channels=4,
    )
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    encoder, decoder = halves({**SIZES, "channels": CHANNELS, "blocks": blocks}, SIZES, dimensions)
    kept, taken = theirs.state_dict(), set()
    for side, part in (("encoder", encoder), ("decoder", decoder)):
        for name, value in part.state_dict().items():
            if name != "embedding":
                value.copy_(kept[monai_name(side, name)])
                taken.add(monai_name(side, name))
    assert {name for name in kept.keys() - taken if not name.startswith("time_embed")} == set()
    images, embedding = torch.rand(2, M, *(8, 12, 8)[:dimensions]), torch.randn(2, 32)
    theirs.time_embed = torch.nn.Identity()
    theirs.time_embed.forward = lambda code: embedding

    def modulate(site, x):
        return embedding if site.endswith("/embedding") else x

    features = encoder(images, torch.tensor([[0, 1, 2, 3]] * 2), modulate)
    found = decoder(features, torch.zeros(2, 1, dtype=torch.long), modulate)
    torch.testing.assert_close(found, theirs(images, torch.zeros(2)), atol=1e-5, rtol=1e-4)
