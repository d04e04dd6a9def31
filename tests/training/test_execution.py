"""What the three keys change is how the networks are computed, not what they answer."""

from functools import partial

import pytest
import torch
from toys import EVERY, SEVERAL, batch_of, encoder_of, shape_of, write_cohort
from trained import weights, write_tiny

import anysyn
from anysyn.registry import names
from anysyn.training.execution import blocks, compute_anew, put_channels_last

CLOSE = {"atol": 1e-4, "rtol": 1e-3}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_cohort(tmp_path_factory.mktemp("execution") / "cohort")


def learned(encoder, name):
    """Return what an encoder answers in training, its gradients and its buffers."""
    images = batch_of(shape_of(2, 1, encoder.strides[-1]), samples=len(EVERY)).images
    torch.manual_seed(0)
    deep = encoder.train()(images, SEVERAL.get(name, EVERY)).deep
    deep.square().mean().backward()
    gradients = {name: p.grad for name, p in encoder.named_parameters() if p.grad is not None}
    return {"answer": deep.detach(), **gradients, **dict(encoder.named_buffers())}


def check_same(changed, plain):
    assert changed.keys() == plain.keys()
    for name, value in plain.items():
        torch.testing.assert_close(changed[name], value, **CLOSE, msg=lambda text, n=name: f"{n}: {text}")


@pytest.mark.parametrize("name", names("encoder"))
def test_every_encoder_computed_anew_learns_the_same(name):
    plain, anew = encoder_of(name, 2), encoder_of(name, 2)
    for block in list(blocks(anew)):
        compute_anew(block)
    check_same(learned(anew, name), learned(plain, name))


@pytest.mark.parametrize("name", names("encoder"))
def test_every_encoder_with_channels_last_learns_the_same(name):
    plain, turned = encoder_of(name, 2), encoder_of(name, 2)
    put_channels_last(turned)
    check_same(learned(turned, name), learned(plain, name))


def kept_bytes(encoder):
    kept = []
    images = batch_of((64, 64), samples=len(EVERY)).images

    def note(tensor):
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        encoder.train()(images, EVERY)
    return sum(kept)


def test_computed_anew_less_is_kept():
    plain, anew = encoder_of("unet", 2), encoder_of("unet", 2)
    for block in list(blocks(anew)):
        compute_anew(block)
    assert kept_bytes(anew) < 0.5 * kept_bytes(plain)


def trained(cohort, out, *overrides):
    recipe = write_tiny(out.parent, lambda tree: tree["stages"][0].update(epochs=1), out.name)
    anysyn.train(recipe, out=out, overrides=[f"data.root={cohort}", *overrides], accelerator="cpu")
    return weights(out)


@pytest.mark.parametrize("keys", [("compile",), ("channels_last",), ("checkpoint_activations",)])
def test_a_training_ends_with_the_same_weights(cohort, tmp_path, monkeypatch, keys):
    graphs = []

    def backend(graph, examples):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=backend))  # without the minutes of a compiler
    plain = trained(cohort, tmp_path / "plain")
    check_same(trained(cohort, tmp_path / "changed", *(f"{key}=true" for key in keys)), plain)
    assert bool(graphs) == ("compile" in keys)


@pytest.mark.slow
def test_compiled_with_all_three_keys_a_training_ends_with_the_same_weights(cohort, tmp_path):
    keys = [f"{key}=true" for key in ("compile", "channels_last", "checkpoint_activations")]
    check_same(trained(cohort, tmp_path / "changed", *keys), trained(cohort, tmp_path / "plain"))
