"""Text that queries voxels: equal to the published form, whole or in pieces, and blind to the order of the voxels."""

import pytest
import torch
import torch.nn.functional as F
from side_by_side import tumsyn_published
from torch.utils.flop_counter import FlopCounterMode

from anysyn.nn.attention import attend, key_norms, project_values
from anysyn.nn.fusion import TextFusion
from anysyn.nn.gated_ffn import GatedFFN

SHAPES = {2: (13, 5), 3: (7, 5, 6)}


def fusion_of(dimensions=3, channels=12, **keys):
    torch.manual_seed(0)
    fusion = TextFusion(dimensions=dimensions, width=5, channels=channels, heads=3, **keys)
    for parameter in fusion.parameters():  # norms and temperatures of their own
        parameter.data += 0.1 * torch.randn_like(parameter)
    return fusion


def shown(dimensions=3, channels=12, tokens=1):
    return torch.randn(2, channels, *SHAPES[dimensions]), torch.randn(2, tokens, 5)


@pytest.mark.parametrize("chunk", [1, 40, 200, 10_000])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_it_is_the_published_form_however_it_is_cut(dimensions, residual, chunk):
    fusion, (features, text) = fusion_of(dimensions, residual=residual, chunk=chunk), shown(dimensions)
    expected = tumsyn_published.fused(fusion, features, text)
    torch.testing.assert_close(fusion(features, text), expected, atol=1e-5, rtol=1e-5)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            torch.testing.assert_close(fusion(features, text), expected, atol=1e-5, rtol=1e-5)


def test_gradients_are_those_of_the_published_form():
    fusion, (features, text) = fusion_of(), shown()
    weights = [features.requires_grad_(), text.requires_grad_(), *fusion.parameters()]
    theirs = torch.autograd.grad(tumsyn_published.fused(fusion, features, text).pow(3).sum(), weights)
    found = torch.autograd.grad(fusion(features, text).pow(3).sum(), weights)
    for mine, its in zip(found, theirs, strict=True):
        torch.testing.assert_close(mine, its, atol=1e-3, rtol=1e-4)


def test_the_order_of_the_voxels_does_not_matter():
    """It does in the published code, whose tokens are runs of voxels of one channel."""
    fusion, (features, text) = fusion_of(), shown()
    order = torch.randperm(features[0, 0].numel())
    mixed = features.flatten(2)[..., order].reshape(features.shape)
    torch.testing.assert_close(fusion.gate(mixed, text), fusion.gate(features, text), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_runs_are_the_tokens_of_the_published_code(dimensions):
    """Keys and values of one convolution, reshaped before the channels are last."""
    fusion, (features, text) = fusion_of(dimensions, layout="runs", residual=False), shown(dimensions)
    convolve = {2: F.conv2d, 3: F.conv3d}[dimensions]
    weight = torch.cat([fusion.key.weight, fusion.value.weight])  # (2 C, C)
    both = convolve(
        features, weight.reshape(24, 12, *(1,) * dimensions), torch.cat([fusion.key.bias, fusion.value.bias])
    )
    keys, values = both.reshape(2, -1, 2, 3, 4).permute(2, 0, 3, 1, 4)  # (B, H, N, D) each
    query = F.normalize(fusion.query(fusion.adapter(text)).reshape(2, 1, 3, 4).transpose(1, 2), dim=-1)
    cosines = query @ F.normalize(keys, dim=-1).transpose(2, 3) / fusion.log_temperature.exp().reshape(3, 1, 1)
    expected = fusion.answer((cosines.softmax(-1) @ values).transpose(1, 2).reshape(2, 12))
    torch.testing.assert_close(fusion.gate(features, text), expected, atol=1e-5, rtol=1e-5)
    whole = fusion(features, text)
    with torch.no_grad():  # plane by plane
        torch.testing.assert_close(fusion(features, text), whole)
    voxels = fusion_of(dimensions, residual=False)
    assert not torch.allclose(voxels.gate(features, text), expected, atol=1e-3)


@pytest.mark.parametrize("tokens", [1, 3])
def test_attention_is_torchs(tokens):
    torch.manual_seed(0)
    features, queries = torch.randn(2, 12, 4, 5, 6), torch.randn(2, tokens, 3, 4)
    key, value, temperature = torch.nn.Linear(12, 12), torch.nn.Linear(12, 12), torch.tensor([0.05, 0.3, 1.0])

    def heads(layer):
        return layer(features.flatten(2).mT).unflatten(-1, (3, 4)).transpose(1, 2)  # (B, H, N, D)

    directions = F.normalize(queries, dim=-1).transpose(1, 2) / temperature.reshape(-1, 1, 1)
    expected = F.scaled_dot_product_attention(directions, F.normalize(heads(key), dim=-1), heads(value), scale=1.0)
    lengths = key_norms(features, key, heads=3, chunk=17)
    found = project_values(attend(features, queries, key, lengths, temperature), value)
    torch.testing.assert_close(found, expected.transpose(1, 2).flatten(2), atol=1e-5, rtol=1e-5)


def test_several_tokens_gate_by_their_mean():
    fusion, (features, text) = fusion_of(), shown(tokens=3)
    alone = torch.stack([fusion.gate(features, text[:, i : i + 1]) for i in range(3)]).mean(0)
    torch.testing.assert_close(fusion.gate(features, text), alone)


@pytest.mark.parametrize("planes", [1, 2, 3, 6, 7, 100])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_network_plane_by_plane_is_the_whole_one(dimensions, planes):
    torch.manual_seed(0)
    ffn, rows = GatedFFN(dimensions=dimensions, channels=4, expansion=2), torch.randn(2, *SHAPES[dimensions], 4)
    expected, found = ffn(rows), torch.zeros_like(rows)
    with torch.no_grad():
        for some, answer in ffn.in_planes(rows, planes):
            found[:, some] = answer
            rows[:, some] = float("nan")  # what is done with is not looked at again
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_each_plane_is_widened_once():
    ffn, rows = GatedFFN(dimensions=2, channels=4, expansion=1), torch.rand(1, 11, 3, 4)
    with torch.no_grad(), FlopCounterMode(display=False) as whole:
        ffn(rows)
    with torch.no_grad(), FlopCounterMode(display=False) as pieces:
        list(ffn.in_planes(rows, planes=3))
    products = [counted.get_flop_counts()["Global"][torch.ops.aten.mm] for counted in (whole, pieces)]
    assert products[0] == products[1]


def test_a_sharp_temperature_finds_one_voxel():
    """At a temperature near 0 the average is the feature of the voxel whose key points where the query does."""
    features, key = torch.eye(4).reshape(1, 4, 2, 2), torch.nn.Linear(4, 4)
    key.weight.data = torch.eye(4)
    key.bias.data.zero_()
    lengths = key_norms(features, key, heads=1, chunk=3)
    found = attend(features, torch.tensor([[[[0.0, 0.0, 5.0, 0.0]]]]), key, lengths, torch.tensor([1e-3]))
    torch.testing.assert_close(found.flatten(), torch.tensor([0.0, 0.0, 1.0, 0.0]))


def test_a_second_text_measures_no_keys_again():
    fusion, (features, text) = fusion_of(), shown()
    calls = []
    fusion.key.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad():
        one, other = fusion(features, text), fusion(features, 2 * text)
    assert len(calls) == 1
    torch.testing.assert_close(other, tumsyn_published.fused(fusion, features, 2 * text), atol=1e-5, rtol=1e-5)
    assert not torch.equal(one, other)
