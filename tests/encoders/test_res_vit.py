"""ResViT has one transformer for all its blocks, and takes up its convolutional half."""

import pytest
import torch
from toys import SMALL, batch_of, encoder_of

from anysyn.nn.warm_start import common_weights, take_weights
from anysyn.registry import build


def made(transformers, blocks=2):
    torch.manual_seed(0)
    small = {**SMALL["encoder", "res_vit"], "transformers": transformers, "blocks": blocks}
    return build("encoder", {"name": "res_vit", **small}, modalities=1, dimensions=2).eval()


def test_the_transformer_lets_far_voxels_meet():
    images, sources = batch_of((128, 128)).images[:, :1], torch.tensor([[0], [0]])
    other = images.clone()
    other[:, :, :8, :8] += 1.0
    for transformers, meet in (((1,), True), ((), False)):
        encoder = made(transformers)
        changed = (encoder(other, sources).deep - encoder(images, sources).deep).abs()[:, :, -4:, -4:]
        assert bool((changed > 1e-7).any()) is meet


def test_every_transformer_is_the_same_one():
    one, two = made((0,)), made((0, 1))
    own = sum(p.numel() for p in one.transformer.parameters())
    more = sum(p.numel() for p in two.parameters()) - sum(p.numel() for p in one.parameters())
    assert more == sum(p.numel() for p in two.aggregated["3"].parameters())
    assert own == sum(p.numel() for p in two.transformer.parameters())


@pytest.mark.parametrize("shape", [(36, 52), (44, 20)])
def test_sizes_need_not_be_multiples_of_a_token(shape):
    features = made((0, 1))(batch_of(shape).images[:, :1], torch.tensor([[0], [0]]))
    assert features.deep.shape[2:] == tuple(n // 4 for n in shape)


def test_it_takes_up_all_of_its_convolutional_half():
    whole, half = encoder_of("res_vit", 2), encoder_of("downsampled_resnet", 2)
    assert common_weights(whole, half) == list(half.state_dict())
    take_weights(whole, half)
    assert all(torch.equal(value, whole.state_dict()[name]) for name, value in half.state_dict().items())
