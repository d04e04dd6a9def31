"""Registration is enrolment: every registered part keeps the laws of its kind."""

import math
from dataclasses import replace

import pytest
import safetensors.torch
import torch
from toys import (
    ASKED,
    EVERY,
    FLAT,
    PROMPTED,
    SEVERAL,
    SHAPES,
    SPACES,
    M,
    batch_of,
    conditioner_of,
    decoder_of,
    descriptor_of,
    discriminator_of,
    encoder_of,
    query_of,
    referred,
    shape_of,
    shortcut_of,
    spec,
    synthesizer,
)

from anysyn.ops import pick
from anysyn.points import Points, lattice
from anysyn.registry import build, names
from anysyn.types import Outcome, Site


def away_from_zero(module):
    """Move what begins at zero, as ends of residual blocks may, so that gradients reach what is before it."""
    torch.manual_seed(5)
    for parameter in module.parameters():
        if not parameter.any():
            parameter.data.normal_(std=0.1)


def gradients_reach_everything(module, loss):
    loss.backward()
    idle = [name for name, p in module.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())]
    assert not idle


def skip_what_is_flat(kind, name, dimensions):
    if dimensions == 3 and (kind, name) in FLAT:
        pytest.skip("for slices and slabs alone")


def same_after_saving(module, other, path):
    safetensors.torch.save_file({k: v.contiguous() for k, v in module.state_dict().items()}, path)
    other.load_state_dict(safetensors.torch.load_file(path))
    assert all(
        torch.equal(a, b) for a, b in zip(module.state_dict().values(), other.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize(("dimensions", "depth"), SPACES)
@pytest.mark.parametrize("name", names("encoder"))
def test_encoders(name, dimensions, depth, tmp_path):
    skip_what_is_flat("encoder", name, dimensions)
    encoder = encoder_of(name, dimensions, depth)
    shape = shape_of(dimensions, depth, encoder.strides[-1])
    images = batch_of(shape, samples=M).images
    features = encoder(images, EVERY)
    levels = (*features.skips, features.deep)
    assert [x.shape[1] for x in levels] == list(encoder.widths)
    for x, stride in zip(levels, encoder.strides, strict=True):
        assert x.shape[2:] == tuple(n // stride for n in shape[-dimensions:])
    seen = []
    encoder(images, EVERY, lambda site, x: (seen.append((site, *x.shape[:2])), x)[1])
    assert sorted(seen) == sorted((site.name, M, site.channels) for site in encoder.sites)
    away_from_zero(encoder)
    again = encoder(images, SEVERAL.get(name, EVERY))
    gradients_reach_everything(encoder, sum(x.square().mean() for x in (*again.skips, again.deep)))
    again = encoder_of(name, dimensions, depth)
    assert torch.equal(again(images, EVERY).deep, features.deep)
    same_after_saving(encoder, again, tmp_path / "weights.safetensors")


@pytest.mark.parametrize("name", names("encoder"))
def test_encoders_never_read_what_is_not_shown(name):
    encoder = encoder_of(name, 2)
    batch = batch_of(shape_of(2, 1, encoder.strides[-1]))
    batch.images[:, 1:] = float("nan")
    assert torch.isfinite(encoder(batch.images, query_of().sources).deep).all()


@pytest.mark.parametrize(("dimensions", "depth"), SPACES)
@pytest.mark.parametrize("name", names("decoder"))
def test_decoders(name, dimensions, depth, tmp_path):
    encoder, shape = encoder_of("unet", dimensions, depth), shape_of(dimensions, depth)
    decoder, features = decoder_of(name, encoder, depth), encoder(batch_of(shape, samples=M).images, EVERY)
    targets = EVERY.T.expand(M, M) if decoder.every_target else EVERY
    images = decoder(features, targets)
    assert images.shape == (*targets.shape, *shape)
    points = Points(torch.rand(M, 50, len(shape)) * 2 - 1, torch.ones(M, len(shape)))
    assert decoder(features, targets, places=points).shape == (*targets.shape, 50)
    finer = lattice(shape, onto=[n + 3 for n in shape])
    on_it, listed = (decoder(features, targets, places=places) for places in (finer, finer.points(M)))
    assert on_it.shape == (*targets.shape, *finer.shape)
    torch.testing.assert_close(on_it.flatten(2), listed, atol=1e-5, rtol=1e-4)
    seen = []
    decoder(features, targets, lambda site, x: (seen.append((site, *x.shape[:2])), x)[1])
    assert sorted(seen) == sorted((site.name, M, site.channels) for site in decoder.sites)
    away_from_zero(decoder)
    gradients_reach_everything(decoder, decoder(features, targets).square().mean())
    again = decoder_of(name, encoder, depth)
    assert torch.equal(again(features, targets), images)
    same_after_saving(decoder, again, tmp_path / "weights.safetensors")


def is_rounded(images):
    """Return whether images are float32 in name alone: every voxel one of a bfloat16's few numbers."""
    return images.dtype != torch.float32 or torch.equal(images, images.bfloat16().float())


@pytest.mark.parametrize("name", names("decoder"))
def test_decoders_answer_in_float32_under_autocast(name):
    encoder = encoder_of("unet", 2, 1)
    decoder = decoder_of(name, encoder, 1)
    away_from_zero(decoder)
    targets = EVERY.T.expand(M, M) if decoder.every_target else EVERY
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        features = encoder(batch_of(shape_of(2, 1), samples=M).images, EVERY)
        assert not is_rounded(decoder(features, targets))
        assert not is_rounded(decoder(features, targets, places=lattice(shape_of(2, 1), onto=[9, 9])))


@pytest.mark.parametrize("name", names("shortcut"))
def test_shortcuts_answer_in_float32_under_autocast(name):
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        shortcut = shortcut_of(name, 2)
        for parameter in shortcut.parameters():
            parameter.fill_(1 / 3)
        assert not is_rounded(shortcut(batch_of(SHAPES[2]), query_of()))


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("name", names("conditioner"))
def test_conditioners(name, dimensions, tmp_path):
    sites = [Site("encoder/out", 8, "deep"), Site("decoder/in", 8, "deep")]
    conditioner, batch = conditioner_of(name, sites, dimensions), batch_of(SHAPES[dimensions])
    features = torch.rand(2, 8, *SHAPES[dimensions])
    condition = conditioner.embed(batch, query_of())
    answers = [conditioner(features, condition, site.name) for site in sites]
    assert all(answer.shape == features.shape for answer in answers)
    other = conditioner(features, conditioner.embed(batch, query_of((3,))), "decoder/in")
    assert not torch.equal(other, answers[1]), "a condition that does nothing is a defect"
    used = torch.stack([a.square().mean() for a in (*answers, other)]).sum()
    used.backward()
    assert all(p.grad is not None for p in conditioner.parameters() if p.requires_grad)
    same_after_saving(conditioner, conditioner_of(name, sites, dimensions), tmp_path / "weights.safetensors")


@pytest.mark.parametrize("name", names("descriptor"))
def test_descriptors(name):
    descriptor = descriptor_of(name)
    condition = descriptor(batch_of((4, 4)), query_of((1, 3)))
    for tokens in condition:
        assert tokens.ndim == 3
        assert tokens.shape[::2] == (2, descriptor.width)


@pytest.mark.parametrize(("dimensions", "depth"), SPACES)
@pytest.mark.parametrize("name", names("discriminator"))
def test_discriminators(name, dimensions, depth, tmp_path):
    skip_what_is_flat("discriminator", name, dimensions)
    shape, judge = shape_of(dimensions, depth), discriminator_of(name, dimensions, depth)
    images = batch_of(shape, samples=M).images[:, :1]
    scores = judge(images, EVERY[:, 0])
    assert scores.shape[:2] == (M, 1)
    assert scores.ndim == 2 + dimensions
    gradients_reach_everything(judge, scores.square().mean())
    same_after_saving(judge, discriminator_of(name, dimensions, depth), tmp_path / "weights.safetensors")


@pytest.mark.parametrize("name", names("loss"))
def test_losses_are_finite_weighted_and_differentiable(name):
    loss = build("loss", {**spec("loss", name), **referred("loss", name), "weight": 3.0})
    batch, query, model = batch_of((16, 16)), query_of(ASKED.get(name, (2,))), synthesizer()
    there, back = (
        Outcome(batch, asked, images, pick(batch.images, asked.targets), torch.ones(2, 1, dtype=torch.bool), features)
        for asked in (query, query.reversed())
        for images, features in [model(batch, asked)]
    )
    value = loss(there._replace(reverse=back))
    value.backward()
    assert value.ndim == 0
    assert math.isfinite(value.detach())
    assert loss.weight == 3.0
    assert any(p.grad.any() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", names("objective"))
def test_objectives_name_their_terms(name):
    part = {**spec("objective", name), **referred("objective", name)}
    objective = build("objective", part, modalities=M, names=PROMPTED)
    terms = objective(batch_of((16, 16)), query_of())
    assert terms
    assert all(term.ndim == 0 and term.requires_grad for term in terms.values())


@pytest.mark.parametrize(("dimensions", "depth"), SPACES)
@pytest.mark.parametrize("name", names("shortcut"))
def test_shortcuts(name, dimensions, depth, tmp_path):
    shape, shortcut = shape_of(dimensions, depth), shortcut_of(name, dimensions)
    batch = batch_of(shape)
    answer = shortcut(replace(batch, images=batch.images.clone().requires_grad_()), query_of((1, 2)))
    assert answer.shape == (2, 2, *shape)
    gradients_reach_everything(shortcut, (answer - 1).square().mean())
    batch.images[:, 1:] = float("nan")
    assert torch.isfinite(shortcut(batch, query_of((1, 2)))).all(), "only sources may be read"
    same_after_saving(shortcut, shortcut_of(name, dimensions), tmp_path / "weights.safetensors")
