"""The U-Net of pix2pix and MM-GAN against its layers written out."""

import torch
import torch.nn.functional as F
from toys import M, batch_of, query_of
from toys import halves as parts

from anysyn.synthesizer import Synthesizer

MM_GAN = {"norm": "instance", "affine": False}


def halves(down, up):
    return parts({"name": "strided_unet", **down}, {"name": "strided_unet", **up})


def test_pix2pix_layer_by_layer():
    torch.manual_seed(0)
    encoder, decoder = halves({"levels": 3, "width": 4, "inputs": "stack"}, {"activation": "sigmoid"})
    images = torch.rand(2, M, 16, 24)
    w1, w2, w3 = (block[0].weight for block in encoder.blocks)
    u1, u2 = (block[1].weight for block in decoder.blocks)
    normal = lambda x: F.batch_norm(x, None, None, training=True)  # noqa: E731
    first = F.leaky_relu(F.conv2d(images[:, 1:2], w1, stride=2, padding=1), 0.2)
    second = F.leaky_relu(normal(F.conv2d(first, w2, stride=2, padding=1)), 0.2)
    deep = F.leaky_relu(F.conv2d(second, w3, stride=2, padding=1), 0.2)
    x = normal(F.conv_transpose2d(F.relu(deep), u1, stride=2, padding=1))
    x = normal(F.conv_transpose2d(F.relu(torch.cat([x, second], 1)), u2, stride=2, padding=1))
    head = decoder.head[1]
    x = F.conv_transpose2d(F.relu(torch.cat([x, first], 1)), head.weight, head.bias, stride=2, padding=1)
    answer = decoder(encoder(images, torch.tensor([[1], [1]])), torch.zeros(2, 1, dtype=torch.long))
    torch.testing.assert_close(answer, ((x / 2).tanh() + 1) / 2, atol=1e-5, rtol=1e-5)


def test_a_canvas_answers_any_targets_at_once_as_one_by_one():
    encoder, decoder = halves({"levels": 3, "width": 4, **MM_GAN}, {"outputs": "canvas", "head": "repeated", **MM_GAN})
    model, batch = Synthesizer(encoder=encoder, decoder=decoder), batch_of((16, 24))
    together = model(batch, query_of((3, 1))).images
    apart = torch.cat([model(batch, query_of((t,))).images for t in (3, 1)], 1)
    torch.testing.assert_close(together, apart)
    assert not torch.equal(together[:, 0], together[:, 1])


def test_one_voxel_may_be_left_at_the_deepest_level():
    encoder, decoder = halves({"levels": 4, "width": 4}, {"dropout": 0.5})
    assert decoder(encoder(torch.rand(1, M, 16, 16), torch.tensor([[0]])), torch.tensor([[1]])).shape == (1, 1, 16, 16)


def test_dropout_acts_in_training_alone_and_at_the_widest_levels():
    encoder, decoder = halves({"levels": 6, "width": 4, "dropout": 0.2}, {"dropout": 0.5})
    assert [block[3].p for block in encoder.blocks] == [0, 0, 0, 0.2, 0.2, 0.2]
    assert [block[3].p for block in decoder.blocks] == [0.5, 0.5, 0, 0, 0]
