"""The split UNETR against MONAI's whole one, and images of another size than its positions were learned for."""

import pytest
import torch
from monai.networks.nets import UNETR
from toys import M, batch_of, query_of

from anysyn.decoders import SwinUNETRDecoder
from anysyn.encoders import UNETREncoder
from anysyn.errors import RecipeError
from anysyn.synthesizer import Synthesizer

SMALL = {"feature_size": 4, "width": 12, "hidden": 24, "heads": 3, "size": 32}


def halves(dimensions=2, depth=1, **keys):
    encoder = UNETREncoder(modalities=M, dimensions=dimensions, depth=depth, **keys)
    return encoder, SwinUNETRDecoder(widths=encoder.widths, strides=encoder.strides, dimensions=dimensions, depth=depth)


@pytest.mark.parametrize(
    ("keys", "count"),
    [({}, 25_349_089), ({"convolved": True}, 25_791_457), ({"sources": 3}, 25_546_337)],
)
def test_the_papers_configuration_has_the_papers_parameters(keys, count):
    """25.55 million in Table 2 of OmniSyn, which three input channels give and one does not."""
    with torch.device("meta"):
        made = halves(inputs="stack", **keys)
    assert sum(p.numel() for half in made for p in half.parameters()) == count


@pytest.mark.parametrize("convolved", [False, True])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_halves_give_the_numbers_of_the_whole(dimensions, convolved):
    torch.manual_seed(0)
    sizes = {"feature_size": 4, "hidden_size": 12, "mlp_dim": 24, "num_heads": 3, "conv_block": convolved}
    whole = UNETR(in_channels=2, out_channels=1, img_size=32, spatial_dims=dimensions, **sizes)
    state = {name.replace("decoder", "level"): value for name, value in whole.state_dict().items()}
    state = {
        name.replace(f"level{i + 2}", f"decoder{i + 1}"): v
        for i in range(4)
        for name, v in state.items()
        if f"level{i + 2}" in name
    } | {name: v for name, v in state.items() if "level" not in name}
    encoder, decoder = halves(dimensions, inputs="stack", sources=2, convolved=convolved, **SMALL)
    for half in (encoder, decoder):
        half.load_state_dict({name: state[name] for name in half.state_dict()})
    assert {*encoder.state_dict(), *decoder.state_dict()} == {*state}
    images = torch.randn(1, M, *(32,) * dimensions)
    with torch.no_grad():
        answer = decoder(encoder(images, torch.tensor([[3, 1]])), torch.tensor([[0]]))
        torch.testing.assert_close(answer, whole(images[:, [3, 1]]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("depth", [1, 3])
def test_any_size_goes_in_and_the_same_comes_out(depth):
    encoder, decoder = halves(depth=depth, **SMALL)
    shape = (45, 33) if depth == 1 else (depth, 45, 33)
    model = Synthesizer(encoder=encoder, decoder=decoder)
    assert model(batch_of(shape), query_of()).images.shape == (2, 1, *shape)


def test_the_positions_tell_two_equal_patches_apart():
    encoder, _ = halves(inputs="stack", **SMALL)
    deep = encoder(torch.ones(1, M, 48, 48), torch.tensor([[0]])).deep
    assert not torch.allclose(deep[..., 0, 0], deep[..., 2, 2])


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(RecipeError, match=r"heads \(5\) must divide width \(12\), and 16 size \(40\)"):
        halves(**{**SMALL, "heads": 5, "size": 40})
