"""The split UNETR against MONAI's whole one, and images of another size than its positions were learned for."""

import pytest
import torch
from monai.networks.nets import UNETR
from toys import M, halves

SMALL = {"name": "unetr", "inputs": "stack", "feature_size": 4, "width": 12, "hidden": 24, "heads": 3, "size": 32}


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
    encoder, decoder = halves({**SMALL, "sources": 2, "convolved": convolved}, {"name": "unetr"}, dimensions)
    for half in (encoder, decoder):
        half.load_state_dict({name: state[name] for name in half.state_dict()})
    assert {*encoder.state_dict(), *decoder.state_dict()} == {*state}
    images = torch.randn(1, M, *(32,) * dimensions)
    with torch.no_grad():
        answer = decoder(encoder(images, torch.tensor([[3, 1]])), torch.tensor([[0]]))
        torch.testing.assert_close(answer, whole(images[:, [3, 1]]), atol=1e-5, rtol=1e-5)


def test_the_positions_tell_two_equal_patches_apart():
    encoder, _ = halves(SMALL, {"name": "unetr"})
    deep = encoder(torch.ones(1, M, 48, 48), torch.tensor([[0]])).deep
    assert not torch.allclose(deep[..., 0, 0], deep[..., 2, 2])
