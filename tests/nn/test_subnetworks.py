"""Copies of one design have weights of their own, drawn alike."""

import pytest
import torch
from toys import encoder_of

from anysyn.nn.subnetworks import copies


@pytest.mark.parametrize("name", ["unet", "swin_unetr"])
def test_copies_share_no_memory_and_are_drawn_independently(name):
    made = copies(encoder_of(name, 2), ["a", "b", "c"])
    states = [dict(one.named_parameters()) for one in made.values()]
    assert len({p.data_ptr() for state in states for p in state.values()}) == 3 * len(states[0])
    drawn = [key for key, p in states[0].items() if p.unique().numel() > 1 and "position_bias" not in key]
    assert drawn
    assert not any(torch.equal(states[i][key], states[j][key]) for key in drawn for i, j in [(0, 1), (0, 2), (1, 2)])


def test_copies_are_drawn_from_the_distribution_of_the_first():
    first, second = copies(torch.nn.Linear(50, 400), ["a", "b"]).values()
    torch.testing.assert_close(first.weight.std(), second.weight.std(), rtol=0.05, atol=0)


def test_one_seed_draws_the_same_copies():
    made = []
    for _ in range(2):
        design = encoder_of("unet", 2)
        torch.manual_seed(5)
        made.append(copies(design, ["a", "b"]).state_dict())
    assert all(torch.equal(made[0][key], made[1][key]) for key in made[0])


def test_copies_on_the_meta_device_have_no_memory():
    with torch.device("meta"):
        made = copies(torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2)), ["a", "b"])
    assert {p.device.type for p in made.parameters()} == {"meta"}


def test_weights_that_were_read_are_the_same_in_all_copies():
    network = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Sequential(torch.nn.Linear(3, 2)))
    network[1].published = True
    first, second = copies(network, ["T1w", "T2w"]).values()
    assert torch.equal(first[1][0].weight, second[1][0].weight)
    assert not torch.equal(first[0].weight, second[0].weight)
