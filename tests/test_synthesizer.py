import pytest
import torch
from toys import SPACES, batch_of, query_of, shape_of, synthesizer

from anysyn.points import lattice


@pytest.mark.parametrize(("dimensions", "depth"), SPACES)
def test_any_size_goes_in_and_the_same_comes_out(dimensions, depth):
    model = synthesizer(dimensions, depth)
    shape = tuple(n - 1 for n in shape_of(dimensions, depth))
    shape = (depth, *shape[1:]) if depth > 1 else shape
    assert model(batch_of(shape), query_of()).images.shape == (2, 1, *shape)


def test_padding_does_not_move_the_points():
    model = synthesizer().eval()
    batch = batch_of((13, 21))
    dense = model(batch, query_of()).images
    asked = model(batch, query_of(), lattice((13, 21))).images
    torch.testing.assert_close(asked, dense, atol=1e-4, rtol=0)


def test_many_targets_are_the_single_ones_side_by_side():
    model = synthesizer().eval()
    batch = batch_of((16, 16))
    together = model(batch, query_of((3, 1))).images
    apart = torch.cat([model(batch, query_of((t,))).images for t in (3, 1)], 1)
    assert torch.equal(together, apart)
    assert not torch.equal(together[:, 0], together[:, 1])


@pytest.mark.parametrize(("at", "count"), [(("decoder/in",), 1), (("encoder/stem", "decoder/in"), 3)])
def test_many_targets_encode_once_unless_they_act_on_the_encoder(at, count):
    model, calls = synthesizer(at=at), []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    model(batch_of((16, 16)), query_of((1, 2, 3)))
    assert len(calls) == count


def test_channels_joined_at_the_input_equal_add_at_the_stem():
    """The claim of the design: conv([x ; m]) = conv_x(x) + conv_m(m)."""
    torch.manual_seed(0)
    x, m = torch.rand(2, 1, 9, 9), torch.rand(2, 5)
    whole = torch.nn.Conv2d(6, 8, 3, padding=1)
    joined = whole(torch.cat([x, m[..., None, None].expand(2, 5, 9, 9)], 1))
    from anysyn.conditioners import Add
    from anysyn.descriptors import ModalityLabel
    from anysyn.types import Condition, Site

    add = Add(sites=[Site("encoder/stem", 8)], reads=ModalityLabel(modalities=2, width=5), dimensions=2, kernel=3)
    add.maps["encoder-stem"].weight.data = whole.weight[:, 1:].detach()
    stem = torch.nn.functional.conv2d(x, whole.weight[:, :1], whole.bias, padding=1)
    added = add(stem, Condition(m[:, None], m[:, None]), "encoder/stem")
    torch.testing.assert_close(added, joined, atol=1e-5, rtol=0)
