"""What a recipe names is laid out without memory, or refused by its count."""

import pytest
import torch
from torch import nn

from anysyn.build import load
from anysyn.cli.parts.summary import lines
from anysyn.errors import RecipeError
from anysyn.nn.layout import MOST_MODULES, without_memory
from anysyn.nn.unetr import swin_transformer

WIDE = "parts.synthesizer.encoder.widths"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (f"{WIDE}=[1000000000]", "no network and no view has sizes above 1,000,000"),
        (f"{WIDE}=[900000, 900000]", "has more than 10,000,000,000 weights"),
        (f"{WIDE}=[-8]", "widths"),
        (f"{WIDE}=[0, 8]", "widths?"),
        (f"{WIDE}=[]", "widths"),
        (f"{WIDE}={[8] * 2000}", "parts.synthesizer"),
        ("data.view.size=[1000000000, 1000000000]", "no network and no view has sizes above 1,000,000"),
    ],
)
def test_sizes_that_no_computer_holds(override, message):
    with pytest.raises(RecipeError, match=message):
        list(lines("small/label", (override,)))


def test_a_hundred_million_epochs_are_not_counted_one_by_one():
    assert load("small/label", ["stages.0.epochs=100000000"]).stages[0].epochs == 10**8


def test_more_modules_than_any_network_has():
    with pytest.raises(RecipeError, match="modules; make it narrower or shallower"), without_memory():
        nn.ModuleList(nn.Identity() for _ in range(MOST_MODULES + 1))
    assert len(nn.ModuleList(nn.Identity() for _ in range(3))) == 3, "outside nothing is counted"


def test_a_wide_swin_transformer_takes_no_memory():
    with without_memory():
        swin = swin_transformer(2, 1, 960, window=7, depths=(2, 2, 2, 2), heads=(3, 6, 12, 24), version=2)
    assert all(tensor.is_meta for tensor in (*swin.parameters(), *swin.buffers()))
    assert sum(weight.numel() for weight in swin.parameters()) > 500_000_000


def test_the_layout_has_the_shapes_of_the_network():
    keys = {"window": 4, "depths": (1, 1, 1, 1), "heads": (1, 2, 4, 8), "version": 2}
    with without_memory():
        laid_out = swin_transformer(3, 2, 8, **keys)
    real = swin_transformer(3, 2, 8, **keys)
    shapes = [{name: tensor.shape for name, tensor in swin.state_dict().items()} for swin in (laid_out, real)]
    assert shapes[0] == shapes[1]
    assert torch.isfinite(next(real.parameters())).all()
