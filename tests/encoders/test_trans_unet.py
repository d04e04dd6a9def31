"""The transformer of TransUNet is that of PyTorch, and its positions suit any size."""

import pytest
import torch
from torch import nn

from anysyn.nn.transformer import TransformerBlock, VoxelTokens


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_block_is_that_of_pytorch(norm_first):
    torch.manual_seed(0)
    theirs = nn.TransformerEncoderLayer(
        8, 2, 16, dropout=0.0, activation="gelu", batch_first=True, norm_first=norm_first
    )
    ours = TransformerBlock(width=8, heads=2, hidden=16, norm_first=norm_first)
    for parameter in theirs.parameters():
        nn.init.normal_(parameter)
    attention = theirs.self_attn
    pairs = [
        (ours.attention.joint.weight, attention.in_proj_weight),
        (ours.attention.joint.bias, attention.in_proj_bias),
        (ours.attention.answer.weight, attention.out_proj.weight),
        (ours.attention.answer.bias, attention.out_proj.bias),
        *zip(ours.perceptron[0].parameters(), theirs.linear1.parameters(), strict=True),
        *zip(ours.perceptron[2].parameters(), theirs.linear2.parameters(), strict=True),
        *zip(ours.norms[0].parameters(), theirs.norm1.parameters(), strict=True),
        *zip(ours.norms[1].parameters(), theirs.norm2.parameters(), strict=True),
    ]
    for own, their in pairs:
        own.data.copy_(their)
    tokens = torch.randn(3, 5, 8)
    torch.testing.assert_close(ours(tokens), theirs(tokens), atol=1e-5, rtol=1e-4)


def test_positions_at_the_learned_size_are_taken_as_they_are():
    torch.manual_seed(0)
    tokens, x = VoxelTokens(dimensions=2, inputs=4, width=8, side=3, class_token=True), torch.zeros(2, 4, 3, 3)
    nn.init.zeros_(tokens.project.bias)
    found = tokens(x)
    torch.testing.assert_close(found[0, 1:], tokens.positions[0, 1:])
    torch.testing.assert_close(found[1, 0], tokens.first[0, 0] + tokens.positions[0, 0])
    torch.testing.assert_close(tokens.maps(found, (3, 3))[0, :, 1, 2], tokens.positions[0, 1 + 5])
