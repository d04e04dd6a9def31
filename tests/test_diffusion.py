"""Diffusion: the steps of DDIM lead from the noise to the image, whatever is asked beside it."""

from dataclasses import replace

import pytest
import torch
from toys import batch_of, decoder_of, descriptor_of, diffusion, encoder_of, query_of, synthesizer

from anysyn.cli.parts import summary
from anysyn.diffusion import Diffusion
from anysyn.ops import pick
from anysyn.points import lattice, sample_at
from anysyn.registry import build
from anysyn.types import Features


@pytest.mark.parametrize(("steps", "answers"), [(1, "noise"), (4, "image"), (7, "velocity"), (50, "noise")])
def test_with_the_noise_known_every_step_keeps_to_its_time_and_the_last_is_the_image(steps, answers, monkeypatch):
    """A network that knows the image finds the first noise again at each time that it gets."""
    model, batch, query = diffusion(steps=steps, answers=answers), batch_of((16, 24)), query_of()
    truth = pick(batch.images, query.targets) * 2 - 1
    levels, first = model.scheduler.alphas_cumprod, model._first_noise(batch)
    found = []

    def oracle(batch, query, noisy):
        level = levels[query.time[0]]
        noise = (noisy - level.sqrt() * truth) / (1 - level).sqrt()
        found.append(noise)
        return model.regression_target(truth, noise, query.time), Features((), noise)

    monkeypatch.setattr(model, "denoise", oracle)
    images = model(batch, query).images
    torch.testing.assert_close(images, (truth + 1) / 2, atol=1e-4, rtol=1e-3)
    assert len(found) in (steps, steps + 1)  # one more where the steps do not divide the times
    for noise in found[1:]:
        torch.testing.assert_close(noise, (found[0] - first).mean() + first, atol=0.02, rtol=0.02)


def test_the_answer_does_not_depend_on_what_is_asked_beside_it():
    model, batch = diffusion(steps=2).eval(), batch_of((16, 24), samples=3)
    with torch.no_grad():
        together = model(batch, query_of((2, 3), samples=3)).images
        alone = model(batch.take(slice(1, 2)), query_of((3,), samples=1)).images
    torch.testing.assert_close(together[1:2, 1:2], alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(together[:, 0], together[:, 1]), "the target matters"


def test_the_encoder_sees_the_sources_and_the_noisy_target_alone(monkeypatch):
    model, batch, seen = diffusion(steps=1).eval(), batch_of((16, 24)), []
    batch.images[:, 1:] = float("nan")  # nothing but source 0 may be read
    own = model.encoder.forward
    monkeypatch.setattr(model.encoder, "forward", lambda x, s, m: seen.append((x, s)) or own(x, s, m))
    assert torch.isfinite(model(batch, query_of((2,))).images).all()
    (images, sources), *_ = seen
    assert sources.tolist() == [[0, 2]] * 2
    assert torch.equal(images[:, 0], batch.images[:, 0])
    assert torch.equal(images[:, 2:3], model._first_noise(batch))


def test_it_answers_at_any_places_and_embeds():
    model, batch, query = diffusion(steps=1).eval(), batch_of((18, 25)), query_of((2, 3))
    places = lattice((18, 25), onto=[30, 30])
    torch.testing.assert_close(model(batch, query, places).images, sample_at(model(batch, query).images, places))
    assert model.encode(batch, query).deep.shape[:2] == (2, model.encoder.widths[-1])


def test_any_network_that_knows_the_time_will_do():
    encoder = encoder_of("unet", 2)
    decoder = decoder_of("cnn", encoder)
    blocks = [site for site in (*encoder.sites, *decoder.sites) if "/block" in site.name]
    film = build("conditioner", {"name": "film", "reads": descriptor_of("time")}, sites=blocks)
    model = Diffusion(encoder=encoder, decoder=decoder, conditioners=[film], steps=2)
    assert model(batch_of((18, 25)), query_of((2, 3))).images.shape == (2, 2, 18, 25)


def test_an_image_is_embedded_as_it_is():
    model, batch = diffusion(steps=1).eval(), batch_of((16, 24))
    found = model.encode(batch, query_of((0,))).deep
    brighter = replace(batch, images=batch.images + 0.5)
    assert not torch.allclose(model.encode(brighter, query_of((0,))).deep, found)
    batch.images[:, 1:] = float("nan")
    assert torch.equal(model.encode(batch, query_of((0,))).deep, found)


def test_a_recipe_is_laid_out_without_memory():
    shown = list(summary.lines("small/baselines/ddpm"))
    assert any(line.startswith("activations of synthesizer") and "0.0 MiB" not in line for line in shown)


def test_noise_is_mixed_in_with_unit_variance():
    model, clean = diffusion(), torch.zeros(2, 1, 64, 64)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    mixed = model.noised(clean, noise, torch.tensor([0, 999]))
    assert mixed[0].std() < 0.02
    assert mixed[1].std() == pytest.approx(1.0, abs=0.05)


def test_what_cannot_be_is_refused():
    model, other = diffusion(), synthesizer()
    with pytest.raises(ValueError, match="the target is among the sources"):
        model(batch_of((16, 24)), query_of((0,)))
    with pytest.raises(ValueError, match="no conditioner reads the diffusion time"):
        Diffusion(encoder=other.encoder, decoder=other.decoder, conditioners=list(other.conditioners))
    with pytest.raises(ValueError, match="steps: 11 is not from 1 to the 10 times"):
        diffusion(steps=11, times=10)
