"""The wrapper round the two towers: what it keeps, when it computes anew, where gradients go."""

import copy

import pytest
import torch
from torch import nn
from toys import PROMPTED, clip

from anysyn.clip import Clip
from anysyn.data.modalities import modality


@pytest.fixture
def counted(monkeypatch):
    """Return a model and the list of the texts that it was asked for."""
    made, asked = clip(), []
    monkeypatch.setattr(made, "encode_text", lambda texts: (asked.append(texts), Clip.encode_text(made, texts))[1])
    return made, asked


def test_the_descriptions_are_those_of_the_table_in_the_order_of_the_recipe():
    assert clip().descriptions == tuple(modality(name).prompt for name in PROMPTED)


def test_a_frozen_text_tower_is_asked_once(counted):
    made, asked = counted
    made.requires_grad_(False)
    first = made.modality_embeddings()
    assert torch.equal(made.modality_embeddings(), first)
    assert len(asked) == 1
    torch.testing.assert_close(first, Clip.encode_text(made, made.descriptions))


def test_new_weights_mean_new_embeddings(counted):
    made, asked = counted
    made.requires_grad_(False)
    first = made.modality_embeddings()
    made.load_state_dict({name: value * 1.1 for name, value in made.state_dict().items()})
    assert not torch.allclose(made.modality_embeddings(), first)
    weight = made.towers.text_projection.weight.requires_grad_(True)
    weight.grad = torch.ones_like(weight)
    torch.optim.SGD([weight], lr=0.1).step()
    weight.requires_grad_(False)
    torch.testing.assert_close(made.modality_embeddings(), Clip.encode_text(made, made.descriptions))
    assert len(asked) == 3


def test_weights_that_come_to_lie_where_the_old_ones_lay_are_other_weights(counted):
    made, asked = counted
    weight = made.requires_grad_(False).towers.text_projection.weight
    shape, address = weight.shape, weight.data_ptr()
    for _ in range(5):
        weight.data = torch.empty(0)  # frees the memory, for the allocator to give it out again
        values = [torch.rand(shape) for _ in range(200)]
        weight.data = next((one for one in values if one.data_ptr() == address), values[0])
        address = weight.data_ptr()
        del values
        torch.testing.assert_close(made.modality_embeddings(), Clip.encode_text(made, made.descriptions))
    made.double()
    assert made.modality_embeddings().dtype == torch.float64
    assert len(asked) == 6


def test_a_text_tower_that_learns_gets_gradients(counted):
    made, _ = counted
    made.modality_embeddings().sum().backward()
    assert made.towers.text_projection.weight.grad.any()


def test_a_tower_that_learns_is_asked_once_a_step_and_gets_the_same_gradients(counted):
    made = counted[0].train()
    weight = next(p for name, p in made.towers.named_parameters() if name.startswith("text"))

    def gradient(ask):
        made.zero_grad(set_to_none=True)
        there, back = ask(["a", "b"]), ask(["b", "a"])
        (there[0] * back[1] + there[1] ** 2).sum().backward()
        return weight.grad.clone()

    before = len(counted[1])
    shared = gradient(made.text_embeddings)
    assert len(counted[1]) == before + 1
    torch.testing.assert_close(shared, gradient(made.encode_text))
    before = len(counted[1])
    torch.testing.assert_close(shared, gradient(made.text_embeddings))  # with a graph of its own
    assert len(counted[1]) == before + 1


def test_what_inference_kept_serves_training():
    made = clip().requires_grad_(False)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        kept = made.modality_embeddings()
    assert kept.dtype == torch.float32
    images = torch.rand(1, 1, 16, 16, requires_grad=True)
    (made.encode_image(images) * kept[:1]).sum().backward()
    assert images.grad.any()


def test_a_copy_for_the_running_average_can_be_made():
    made = clip().requires_grad_(False)
    kept = made.modality_embeddings()
    torch.testing.assert_close(copy.deepcopy(made).modality_embeddings(), kept)


def test_gradients_reach_the_image_through_the_resizing():
    made, images = clip().requires_grad_(False), torch.rand(2, 1, 40, 30, requires_grad=True)
    made.encode_image(images).square().sum().backward()
    assert images.grad.flatten(1).any(1).all()
    assert all(weight.grad is None for weight in made.parameters())


@pytest.mark.parametrize(("tower", "ask"), [("text_model", "encode_text"), ("vision_model", "encode_image")])
def test_a_frozen_tower_rests_and_a_learning_one_does_not(tower, ask):
    made = clip().train()
    inside = getattr(made.towers, tower)
    seen = []
    inside.register_forward_pre_hook(lambda module, _: seen.append(module.training))
    given = torch.rand(1, 1, 16, 16) if ask == "encode_image" else ["a text"]
    getattr(made, ask)(given)
    made.requires_grad_(False)
    getattr(made, ask)(given)
    assert seen == [True, False]
    assert inside.training, "how it was is restored"


def test_the_scale_is_the_exponential_of_what_is_learned_at_most_100():
    made = clip()
    assert made.scale().item() == pytest.approx(1 / 0.07, rel=1e-3)  # the temperature that CLIP begins with
    made.towers.logit_scale.data.fill_(7.0)
    assert made.scale().item() == 100


def test_towers_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="Linear is not CLIP-like: it has no get_text_features"):
        Clip(towers=nn.Linear(1, 1), tokenize=lambda texts: {}, pixels=None, descriptions=())
