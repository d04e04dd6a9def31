"""The running average of weights is that of its formula, and no step of it waits for the device."""

import pytest
import torch
from torch import nn

from anysyn.training.stage import average_of


def test_it_is_that_of_the_formula():
    parts = nn.ModuleDict({"a": nn.Linear(2, 1, bias=False)})
    average, expected = average_of(parts, 0.5), None
    for update in range(12):
        with torch.no_grad():
            parts["a"].weight.fill_(float(update**2))
        average.update_parameters(parts)
        decay = min(0.5, (1 + update) / (10 + update))
        expected = float(update**2) if expected is None else decay * expected + (1 - decay) * update**2
        assert average.module["a"].weight.flatten().tolist() == pytest.approx([expected] * 2, rel=1e-6)


def test_what_is_handed_over_on_the_device_is_not_looked_at():
    """A tensor of the device meta has no value: whoever looks at it fails, where a GPU would only be waited for."""
    average = average_of(nn.ModuleDict({"a": nn.Linear(1, 1)}), 0.9)
    average.multi_avg_fn([torch.zeros(1)], [torch.ones(1)], torch.empty((), device="meta"))
    with pytest.raises(RuntimeError, match="meta"):
        int(torch.empty((), device="meta"))


def test_there_is_none_without_a_decay():
    assert average_of(nn.ModuleDict(), None) is None
