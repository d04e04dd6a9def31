import numpy as np
import pytest
import torch
from toys import existing

from anysyn.build import load, parts
from anysyn.nn.arithmetic import Affine, apply_affine
from anysyn.shortcuts import Perceptron
from anysyn.types import Batch, Query


def by_hand(shortcut, intensities):
    """Go through the perceptron for one voxel, None where nothing is shown, interpolating between knots by NumPy."""
    knots, units = np.linspace(0, 1, shortcut.knots), np.eye(shortcut.knots)
    rows = [
        [0.0] * (1 + len(knots)) if x is None else [x, *(np.interp(x, knots, unit) for unit in units)]
        for x in intensities
    ]
    layers, answer = [shortcut.first, *shortcut.layers], shortcut.answer
    hidden = torch.tensor(rows, dtype=torch.float32).flatten()
    for layer in layers:
        hidden = torch.relu(layer.weight @ hidden + layer.bias)
    return answer.weight @ hidden + answer.bias


def test_the_perceptron_is_a_perceptron_on_the_row_of_a_voxel_written_out():
    images, query = 1.5 * torch.rand(2, 3, 4, 5), Query(torch.tensor([[0, 1], [2, 2]]), torch.tensor([[2, 0], [1, 0]]))
    shortcut = Perceptron(modalities=3, hidden=(7, 4), knots=5)
    answer = shortcut(existing(images), query)
    first, second = images[0, :, 3, 1].tolist(), images[1, :, 0, 4].tolist()
    torch.testing.assert_close(answer[0, :, 3, 1], by_hand(shortcut, [*first[:2], None])[[2, 0]])
    torch.testing.assert_close(answer[1, :, 0, 4], by_hand(shortcut, [None, None, second[2]])[[1, 0]])


def test_with_a_reach_a_voxel_depends_on_its_neighbours_and_on_nothing_further():
    query, place = Query(torch.tensor([[0]]), torch.tensor([[1]])), (0, 0, 3, 3)
    for reach in (0, 1, 2):
        images = torch.rand(1, 2, 7, 7, requires_grad=True)
        shortcut = Perceptron(modalities=2, hidden=(32, 32), reach=reach)
        (felt,) = torch.autograd.grad(shortcut(existing(images), query)[place], images)
        near = torch.zeros(7, 7)
        near[3 - reach : 4 + reach, 3 - reach : 4 + reach] = 1
        assert torch.equal((felt[0, 0] != 0).float(), near)
        assert not felt[0, 1].any()


@pytest.mark.parametrize("wrong", [{"hidden": ()}, {"knots": 1}, {"reach": -1}])
def test_the_perceptron_needs_a_layer_two_knots_and_a_reach(wrong):
    with pytest.raises(ValueError, match="it needs a hidden layer, two knots and a reach of 0 or more"):
        Perceptron(modalities=3, **wrong)


def test_the_sites_of_the_perceptron_are_in_front_of_its_relus():
    images, query = torch.rand(1, 2, 3), Query(torch.tensor([[0]]), torch.tensor([[1]]))
    shortcut, seen = Perceptron(modalities=2, hidden=(7, 4)), []

    def silence(site, features):
        seen.append((site, features.shape[1]))
        return features - 1e6

    answer = shortcut(existing(images), query, silence)
    assert (
        seen
        == [(site.name, site.channels) for site in shortcut.sites]
        == [("shortcut/block0", 7), ("shortcut/block1", 4)]
    )
    torch.testing.assert_close(answer, shortcut.answer.bias[1].expand(1, 1, 3))


class Affines:
    """Scale and shift at every site, and tell so."""

    def __init__(self, shortcut, samples):
        draw = {site.name: torch.randn(2, samples, site.channels) for site in shortcut.sites}
        self.at = {name: Affine(*drawn) for name, drawn in draw.items()}

    def affine(self, site):
        return self.at[site]

    def __call__(self, site, features):
        return apply_affine(features, self.at[site])


@pytest.mark.parametrize("spatial", [(5,), (3, 4), (2, 3, 4)])
def test_a_scale_and_a_shift_in_the_weights_are_those_of_the_features(spatial):
    torch.manual_seed(0)
    images, query = torch.rand(2, 3, *spatial), Query(torch.tensor([[0, 1], [2, 2]]), torch.tensor([[2, 0], [1, 0]]))
    shortcut = Perceptron(modalities=3, hidden=(7, 4))
    affines = Affines(shortcut, 2)
    on_features = shortcut(existing(images), query, lambda site, features: affines(site, features))
    torch.testing.assert_close(shortcut(existing(images), query, affines), on_features)
    assert not torch.allclose(on_features, shortcut(existing(images), query), atol=1e-3)


@pytest.mark.parametrize("label", [{"name": "dataset"}, {"name": "modality"}])
def test_a_conditioner_acts_in_a_shortcut_on_every_target_by_its_own_code(label):
    torch.manual_seed(0)
    asked = [f"parts.synthesizer.conditioners.0.reads={label}", "parts.synthesizer.shortcut={name: perceptron}"]
    recipe = load("small/pmm_synth", [*asked, "data.root=."])
    model = parts(recipe)["synthesizer"].eval()
    film = model.conditioners[0]
    torch.nn.init.normal_(film.heads["shortcut-block1"].weight)
    batch = Batch(torch.rand(2, 6, 16, 16), torch.ones(2, 6) > 0, torch.tensor([0, 1]), torch.ones(2, 6))
    both = Query(torch.zeros(2, 1).long(), torch.tensor([[1, 3]] * 2))
    answer = model(batch, both).images
    alone = torch.cat([model(batch, one).images for one in both.one_by_one()], 1)
    torch.testing.assert_close(answer, alone)
    torch.nn.init.zeros_(film.heads["shortcut-block1"].weight)
    assert not torch.allclose(answer, model(batch, both).images, atol=1e-3)
