"""The residual encoder has the published numbers, overwrites nothing that is needed, and folds exactly."""

import pytest
import torch
from side_by_side import tumsyn_published
from toys import M, batch_of, query_of

from anysyn.encoders import ResNetEncoder
from anysyn.synthesis.fold_batch_norms import fold_batch_norms

SHAPES = {2: (13, 11), 3: (7, 9, 6)}


def encoder_of(dimensions=3, norm="batch", **keys):
    """Return an encoder in evaluation mode whose batch norms have seen something."""
    torch.manual_seed(0)
    sizes = {"blocks": 3, "width": 8, "out": 12, "inputs": "stack"} | keys
    encoder = ResNetEncoder(modalities=M, dimensions=dimensions, norm=norm, **sizes)
    for value in (*encoder.parameters(), *encoder.buffers()):
        if value.ndim == 1:  # what norms learn and keep, and offsets
            value.data += 0.5 * torch.rand_like(value)
    return encoder.eval()


@pytest.mark.parametrize("norm", ["none", "group", "batch", "instance"])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_it_is_the_published_form_with_and_without_gradients(dimensions, norm):
    encoder = encoder_of(dimensions, norm)
    images, sources = batch_of(SHAPES[dimensions]).images, query_of().sources
    expected = tumsyn_published.encoded(encoder, images[:, :1])
    torch.testing.assert_close(encoder(images, sources).deep, expected, atol=1e-5, rtol=1e-5)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            torch.testing.assert_close(encoder(images, sources).deep, expected, atol=1e-5, rtol=1e-5)


def test_gradients_are_those_of_the_published_form():
    encoder = encoder_of().train()
    images, weights = batch_of(SHAPES[3]).images, list(encoder.parameters())
    theirs = torch.autograd.grad(tumsyn_published.encoded(encoder, images[:, :1]).square().sum(), weights)
    found = torch.autograd.grad(encoder(images, query_of().sources).deep.square().sum(), weights)
    for mine, its in zip(found, theirs, strict=True):
        torch.testing.assert_close(mine, its, atol=1e-3, rtol=1e-3)


def test_what_acts_at_a_site_may_keep_what_it_was_shown():
    """Memory is used again without gradients, but never that of features which a site has seen."""
    encoder, seen = encoder_of(), []
    with torch.no_grad():
        encoder(batch_of(SHAPES[3]).images, query_of().sources, lambda site, x: (seen.append((x, x.clone())), x)[1])
    assert len(seen) == 5
    assert all(torch.equal(held, copy) for held, copy in seen)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_folded_batch_norms_change_nothing(dimensions):
    encoder = encoder_of(dimensions)
    images, sources = batch_of(SHAPES[dimensions]).images, query_of().sources
    expected = encoder(images, sources).deep
    fold_batch_norms(encoder)
    assert not any("BatchNorm" in type(part).__name__ for part in encoder.modules())
    torch.testing.assert_close(encoder(images, sources).deep, expected, atol=1e-5, rtol=1e-5)


def test_it_sees_as_far_as_it_says():
    """2 blocks + 3 voxels: one further does not reach the answer."""
    encoder = encoder_of(2, "none", blocks=2)
    images, sources = torch.rand(1, M, 25, 1, requires_grad=True), torch.tensor([[0]])
    encoder(images, sources).deep[0, :, 12].sum().backward()
    assert images.grad[0, 0].flatten().nonzero().flatten().tolist() == list(range(5, 20))
