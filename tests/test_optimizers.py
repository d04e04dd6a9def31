import math

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, MultiStepLR, StepLR

from anysyn.optimizers import Cosine, Halve, Linear
from anysyn.registry import build, names


def torch_factors(make, epochs):
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = make(optimizer)
    factors = []
    for _ in range(epochs):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return factors


def test_cosine_is_torch_s():
    expected = torch_factors(lambda o: CosineAnnealingLR(o, 20), 20)
    assert [Cosine().factor(e, 20) for e in range(20)] == pytest.approx(expected)


def test_halve_is_torch_s_step():
    assert [Halve(every=3).factor(e, 10) for e in range(10)] == torch_factors(lambda o: StepLR(o, 3, 0.5), 10)


def test_linear_is_torch_s_after_its_delay():
    expected = torch_factors(lambda o: LinearLR(o, 1.0, 1e-12, 6), 6)
    assert [Linear(after=4).factor(4 + e, 10) for e in range(6)] == pytest.approx(expected, abs=1e-6)
    assert Linear(after=4).factor(2, 10) == 1.0


def test_halve_from_an_epoch_on_is_torch_s_multi_step():
    milestones = torch_factors(lambda o: MultiStepLR(o, [4, 6, 8], 0.5), 10)
    assert [Halve(every=2, after=4).factor(e, 10) for e in range(10)] == milestones


@pytest.mark.parametrize("name", names("schedule"))
def test_a_factor_is_finite_and_never_grows_above_one(name):
    schedule = build("schedule", {"name": name, **({"every": 2} if name == "halve" else {})})
    factors = [schedule.factor(e / 7, 5) for e in range(36)]
    assert all(math.isfinite(f) and 0 <= f <= 1 for f in factors)


@pytest.mark.parametrize("name", names("optimizer"))
def test_an_optimizer_minimises(name):
    weight = nn.Parameter(torch.tensor([3.0]))
    optimizer = build("optimizer", {"name": name, "lr": 0.1}, parameters=[weight])
    for _ in range(100):
        optimizer.zero_grad()
        weight.square().sum().backward()
        optimizer.step()
    assert abs(weight.item()) < 0.5


@pytest.mark.parametrize(("key", "value"), [("warmup", 1.0), ("warmup", -0.1)])
def test_a_warmup_is_a_share(key, value):
    with pytest.raises(ValueError, match="share of the stage"):
        build("schedule", {"name": "cosine", key: value})
