"""LIIF evaluated fast is LIIF as it is written, with the same weights; and it does less."""

import itertools
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from side_by_side.liif_published import liif_published, unfolded
from torch import nn

from anysyn.nn.implicit.liif import liif, liif_inputs
from anysyn.nn.mlp import MLP
from anysyn.points import Points, lattice

SIZES = {2: (7, 10), 3: (5, 6, 4)}
SCALES = [1, 2, 2.5, 3, 0.7]
CHANNELS, OUTPUTS = 5, 3


def problem(dimensions, dtype=torch.float32, hidden=(32, 32, 32)):
    torch.manual_seed(0)
    mlp = MLP(liif_inputs(CHANNELS, dimensions), hidden, OUTPUTS).to(dtype)
    return torch.randn(2, CHANNELS, *SIZES[dimensions], dtype=dtype), mlp


def scaled(dimensions, scale):
    size = SIZES[dimensions]
    return lattice(size, onto=[round(n * scale) for n in size])


def literal(features, mlp, places, rule):
    """Return (B, O, Q)."""
    linears = [layer for layer in mlp.layers if isinstance(layer, nn.Linear)]
    if not isinstance(places, Points):
        places = places.points(len(features))
    each = zip(features.split(1), places.at.to(features).split(1), places.step, strict=True)
    answers = [liif_published(one, linears, at, step.tolist(), rule=rule) for one, at, step in each]
    return torch.cat(answers).movedim(-1, 1)


def drawn(dimensions, places=400):
    """Draw places, each sample its own, with voxels of its own size."""
    generator = torch.Generator().manual_seed(3)
    at = torch.rand(2, places, dimensions, generator=generator) * 2 - 1
    return Points(at, torch.rand(2, dimensions, generator=generator) + 0.3)


def rows_read(mlp, compute):
    """Count the rows that each call of the second linear layer reads."""
    rows = []
    hook = mlp.layers[2].register_forward_pre_hook(lambda _, given: rows.append(given[0].shape[:-1].numel()))
    compute()
    hook.remove()
    return rows


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_lattice_is_answered_as_by_the_published_form_with_the_exact_rule(dimensions, scale):
    features, mlp = problem(dimensions)
    places = scaled(dimensions, scale)
    expected = literal(features, mlp, places, "exact")
    for asked in (places, places.points(2)):
        torch.testing.assert_close(liif(features, mlp, asked, chunk=150).flatten(2), expected, atol=1e-6, rtol=0)
    assert expected.std() > 0.01


@pytest.mark.parametrize("dimensions", [2, 3])
def test_points_are_answered_as_by_the_published_form(dimensions):
    features, mlp = problem(dimensions)
    places = drawn(dimensions)
    answer = liif(features, mlp, places, chunk=300)
    torch.testing.assert_close(answer, literal(features, mlp, places, "published"), atol=1e-6, rtol=0)
    other = Points(places.at, places.step + 0.5)
    assert not torch.allclose(liif(features, mlp, other, chunk=300), answer), "the cell must be read"


@pytest.mark.parametrize("scale", [2, 2.5, 0.7])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_without_ties_a_lattice_is_answered_as_by_the_published_form(dimensions, scale):
    features, mlp = problem(dimensions)
    places = scaled(dimensions, scale)
    published = literal(features, mlp, places, "published")
    torch.testing.assert_close(liif(features, mlp, places, chunk=150).flatten(2), published, atol=1e-6, rtol=0)


def test_on_the_centre_of_a_voxel_that_voxel_alone_answers_where_the_published_form_errs():
    features, mlp = problem(2)
    places = scaled(2, 1)
    rows = F.unfold(features, 3, padding=1).movedim(1, -1)  # (B, Q, 9 C)
    of_place = torch.tensor([0.0, 0.0, 2.0, 2.0]).expand(*rows.shape[:2], 4)  # no offset, and a cell as wide as a voxel
    alone = mlp(torch.cat([rows, of_place], -1)).movedim(-1, 1)
    torch.testing.assert_close(liif(features, mlp, places, chunk=50).flatten(2), alone, atol=1e-6, rtol=0)
    published = literal(features, mlp, places, "published")
    assert (published - alone).abs().max() > 1e-3


@pytest.mark.parametrize("dimensions", [2, 3])
def test_float32_decides_no_tie(dimensions):
    features, mlp = problem(dimensions)
    exact = scaled(dimensions, 3).points(2)
    near = [Points(torch.nextafter(exact.at, torch.full((), end)), exact.step) for end in (-2.0, 2.0)]
    answers = [liif(features, mlp, places, chunk=5000) for places in (exact, *near)]
    for answer in answers[1:]:
        torch.testing.assert_close(answer, answers[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("asked", ["lattice", "points"])
def test_gradients_are_those_of_the_published_form(asked, recompute):
    features, mlp = problem(3, torch.float64)
    features.requires_grad_()
    places = scaled(3, 1.5) if asked == "lattice" else drawn(3)
    learned = (features, *mlp.parameters())
    ours = torch.autograd.grad(liif(features, mlp, places, chunk=90, recompute=recompute).square().sum(), learned)
    theirs = torch.autograd.grad(literal(features, mlp, places, "exact").square().sum(), learned)
    for mine, its in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, its, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("scale", "members"), [(1, (1, 1)), (2, (2 - 1 / 7, 2 - 1 / 10)), (3, (5 / 3 - 2 / 21, 5 / 3 - 2 / 30))]
)
def test_members_of_weight_zero_are_left_out(scale, members):
    features, mlp = problem(2)
    places = scaled(2, scale)
    expected = 2 * torch.tensor(places.shape).prod() * members[0] * members[1]
    for asked in (places, places.points(2)):
        assert sum(rows_read(mlp, partial(liif, features, mlp, asked, chunk=10**6))) == round(expected.item())


@pytest.mark.parametrize(("asked", "chunk"), list(itertools.product(["lattice", "points"], [1, 40, 10**6])))
def test_a_chunk_bounds_the_rows_and_changes_nothing(asked, chunk):
    features, mlp = problem(3, hidden=(8, 8))
    places = scaled(3, 2) if asked == "lattice" else drawn(3, 50)
    whole = liif(features, mlp, places, chunk=5000)
    answers = []
    rows = rows_read(mlp, lambda: answers.append(liif(features, mlp, places, chunk=chunk)))
    assert max(rows) <= max(chunk, len(features))
    torch.testing.assert_close(answers[0], whole, atol=1e-6, rtol=0)


def test_the_published_form_unfolds_as_published():
    features, _ = problem(2)
    assert torch.equal(unfolded(features).flatten(2), F.unfold(features, 3, padding=1))


def test_half_precision_costs_no_more_than_its_own_digits():
    features, mlp = problem(3)
    places = scaled(3, 2)
    exact = liif(features, mlp, places, chunk=1000)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = liif(features, mlp, places, chunk=1000)
    assert rounded.dtype == torch.float32
    assert (rounded - exact).abs().max() < 0.05 * exact.std()
