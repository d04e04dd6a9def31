"""TUMSyn's synthesis network as its published code evaluates it, for the benchmark and the tests of ours.

Encoder, fusion and decoder, each whole and at once, with the weights of our parts. There is one difference from the
published code, so that the two forms can be compared: voxels are the tokens of the attention, as the paper has it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anysyn.encoders import ResNetEncoder
from anysyn.nn.fusion import TextFusion
from anysyn.nn.mlp import MLP
from anysyn.points import grid


def encoded(encoder: ResNetEncoder, image: Tensor) -> Tensor:
    """Apply the residual network: (B, channels, *S) to (B, C, *S).

    Args:
        encoder: Its weights.
        image: (B, channels, *S).
    """
    start = x = encoder.head(image)
    for block in encoder.blocks:
        x = x + block.body(x) * block.scale
    return encoder.tail(start + encoder.last(x))


def fused(fusion: TextFusion, features: Tensor, tokens: Tensor) -> Tensor:
    """Gate the channels by the text's attention to the voxels, then norm, feed-forward network, norm.

    Args:
        fusion: Its weights.
        features: (B, C, *S).
        tokens: (B, 1, width).
    """
    text = fusion.adapter(tokens)  # (B, 1, C)
    gate = fusion.answer(attention(fusion, features, text))[:, 0]  # (B, C)
    if fusion.residual:
        gate = gate + text[:, 0]
    rest = (1,) * (features.ndim - 2)
    x = over_channels(fusion.inner, features * gate.reshape(*gate.shape, *rest))
    return over_channels(fusion.outer, x + feed_forward(fusion, x))


def attention(fusion: TextFusion, features: Tensor, text: Tensor) -> Tensor:
    """Attend to all voxels, with a key and a value of each: (B, 1, C).

    Args:
        fusion: Its weights.
        features: (B, C, *S).
        text: (B, 1, C).
    """
    heads = len(fusion.log_temperature)

    def split(rows: Tensor) -> Tensor:
        return rows.unflatten(-1, (heads, -1)).transpose(1, 2)  # (B, H, N, D)

    keys, values = (split(pointwise(layer, features).flatten(2).mT) for layer in (fusion.key, fusion.value))
    query, keys = F.normalize(split(fusion.query(text)), dim=-1), F.normalize(keys, dim=-1)
    weights = (query @ keys.mT / fusion.log_temperature.exp().reshape(-1, 1, 1)).softmax(-1)  # (B, H, 1, N)
    return (weights @ values).transpose(1, 2).flatten(2)


def feed_forward(fusion: TextFusion, x: Tensor) -> Tensor:
    """Apply the gated depth-wise feed-forward network: (B, C, *S) to (B, C, *S).

    Args:
        fusion: Its weights.
        x: (B, C, *S).
    """
    gate, gated = fusion.ffn.neighbours(pointwise(fusion.ffn.widen, x)).chunk(2, 1)
    return pointwise(fusion.ffn.narrow, F.gelu(gate) * gated)


def pointwise(layer: nn.Linear, x: Tensor) -> Tensor:
    """Apply a linear layer to the channels as a convolution of one voxel.

    Args:
        layer: Its weights.
        x: (B, C, *S).
    """
    convolve = {2: F.conv2d, 3: F.conv3d}[x.ndim - 2]
    return convolve(x, layer.weight.reshape(*layer.weight.shape, *(1,) * (x.ndim - 2)), layer.bias)


def over_channels(layer: nn.LayerNorm, x: Tensor) -> Tensor:
    """Apply a norm to the channels of each voxel.

    Args:
        layer: Its weights.
        x: (B, C, *S).
    """
    return layer(x.movedim(1, -1)).movedim(-1, 1)


def decoded(mlp: MLP, features: Tensor) -> Tensor:
    """Let the perceptron read each voxel's feature and coordinate: (B, C, *S) to (B, 1, *S).

    Args:
        mlp: Its weights.
        features: (B, C, *S).
    """
    at = grid(features.shape[2:]).expand(len(features), -1, -1)  # (B, Q, d)
    where = at.flip(-1).reshape(*at.shape[:2], *(1,) * (at.shape[-1] - 1), -1)
    sampled = F.grid_sample(features, where, align_corners=False).flatten(2).mT  # (B, Q, C)
    return mlp(torch.cat([sampled, at], -1)).mT.unflatten(2, features.shape[2:])
