"""The perceptron on one interpolated feature is evaluated fast as it is written, and `relative` knows no tile."""

import math

import pytest
import torch
import torch.nn.functional as F

from anysyn.nn.implicit.trilinear import encode_coordinates, trilinear, trilinear_inputs
from anysyn.nn.mlp import MLP
from anysyn.points import Points, lattice

SIZES = {2: (7, 10), 3: (5, 6, 4)}
MODES = {2: "bilinear", 3: "trilinear"}


def problem(dimensions, coordinates):
    torch.manual_seed(0)
    mlp = MLP(trilinear_inputs(5, dimensions, coordinates), (32, 32), 3)
    return torch.randn(2, 5, *SIZES[dimensions]), mlp


def literal(features, mlp, onto, coordinates):
    """Interpolate by torch, write the coordinates beside, read: (B, O, *N)."""
    size = features.shape[2:]
    feature = F.interpolate(features, onto, mode=MODES[len(size)], align_corners=False).flatten(2).movedim(1, -1)
    places = lattice(size, onto).points(len(features))
    inputs = [places.at]
    if coordinates == "relative":
        offset = 2 * math.pi * ((places.at + 1) * torch.tensor(size) / 2 - 0.5)
        inputs = [offset.sin(), offset.cos(), places.step.unsqueeze(1).expand_as(offset)]
    return mlp(torch.cat([feature, *inputs], -1)).movedim(-1, 1).unflatten(2, onto)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("scale", [1, 2, 2.5, 0.5])
@pytest.mark.parametrize("coordinates", ["absolute", "relative"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_it_is_the_published_form(dimensions, coordinates, scale, recompute):
    features, mlp = problem(dimensions, coordinates)
    features.requires_grad_()
    places = lattice(SIZES[dimensions], [round(n * scale) for n in SIZES[dimensions]])
    expected = literal(features, mlp, places.shape, coordinates)
    gradients = torch.autograd.grad(expected.square().sum(), (features, *mlp.parameters()))
    for asked in (places, places.points(2)):
        answer = trilinear(features, mlp, asked, coordinates=coordinates, chunk=60, recompute=recompute)
        torch.testing.assert_close(answer.flatten(2), expected.flatten(2), atol=1e-6, rtol=0)
        found = torch.autograd.grad(answer.square().sum(), (features, *mlp.parameters()))
        for mine, its in zip(found, gradients, strict=True):
            torch.testing.assert_close(mine, its, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("scale", [1, 2, 2.5, 0.5])
@pytest.mark.parametrize("chunk", [60, 10_000])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_zeros_beyond_the_border_are_those_of_the_published_sampling(dimensions, chunk, scale):
    features, mlp = problem(dimensions, "absolute")
    places = lattice(SIZES[dimensions], [round(n * scale) for n in SIZES[dimensions]])
    at = places.points(2).at
    where = at.flip(-1).reshape(2, *(1,) * (dimensions - 1), -1, dimensions)
    sampled = F.grid_sample(features, where, align_corners=False).flatten(2)  # torch pads with zeros
    expected = mlp(torch.cat([sampled.mT, at], -1)).mT
    for asked in (places, places.points(2)):
        answer = trilinear(features, mlp, asked, coordinates="absolute", chunk=chunk, padding="zeros")
        torch.testing.assert_close(answer.flatten(2), expected, atol=2e-6, rtol=0)
    if scale > 1:
        border = trilinear(features, mlp, places, coordinates="absolute", chunk=chunk)
        assert not torch.allclose(border.flatten(2), expected, atol=1e-3)


def test_zeros_reach_the_border_of_a_single_voxel():
    """An axis of one voxel has one side and a point that is no centre."""
    mlp = MLP(trilinear_inputs(1, 2, "absolute"), (), 1)
    torch.nn.init.constant_(mlp.first.weight, 1.0)
    torch.nn.init.zeros_(mlp.first.bias)
    asked = lattice([1, 1], [2, 1])  # half a voxel wide: a quarter voxel from the centre
    answer = trilinear(torch.ones(1, 1, 1, 1), mlp, asked, coordinates="absolute", chunk=9, padding="zeros")
    torch.testing.assert_close(answer.flatten(), torch.tensor([0.75 - 0.5, 0.75 + 0.5]))


@pytest.mark.parametrize(("coordinates", "shows"), [("absolute", True), ("relative", False)])
def test_a_tile_shows_only_where_coordinates_are_absolute(coordinates, shows):
    features, mlp = problem(2, coordinates)

    def finer(x):
        return trilinear(x, mlp, lattice(x.shape[2:], [2 * n for n in x.shape[2:]]), coordinates=coordinates, chunk=99)

    whole, tile = finer(features)[..., 4:-2, 4:-4], finer(features[..., 1:, 1:-1])[..., 2:-2, 2:-2]
    assert torch.allclose(whole, tile, atol=1e-5) is not shows


def test_relative_coordinates_do_not_jump_between_voxels():
    border = torch.tensor([-1e-4, 1e-4])  # of the two voxels of an axis
    below, above = encode_coordinates(border, 2, "relative")
    torch.testing.assert_close(below, above, atol=2e-3, rtol=0)


def test_points_may_have_steps_of_their_own():
    features, mlp = problem(2, "relative")
    at = torch.rand(2, 9, 2) * 2 - 1
    steps = torch.tensor([[0.5, 1.0], [1.0, 0.3]])
    together = trilinear(features, mlp, Points(at, steps), coordinates="relative", chunk=100)
    for i in range(2):
        one = Points(at[i : i + 1], steps[i : i + 1])
        alone = trilinear(features[i : i + 1], mlp, one, coordinates="relative", chunk=100)
        torch.testing.assert_close(together[i : i + 1], alone)
    assert not torch.allclose(
        together, trilinear(features, mlp, Points(at, steps + 1), coordinates="relative", chunk=9)
    )
