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


@pytest.mark.parametrize(
    ("schedule", "epochs", "make"),
    [
        (Cosine(), 20, lambda o: CosineAnnealingLR(o, 20)),
        (Halve(every=3), 10, lambda o: StepLR(o, 3, 0.5)),
        (Halve(every=2, after=4), 10, lambda o: MultiStepLR(o, [4, 6, 8], 0.5)),
        (Linear(), 10, lambda o: LinearLR(o, 1.0, 1e-12, 10)),
    ],
)
def test_a_schedule_is_torch_s(schedule, epochs, make):
    expected = torch_factors(make, epochs)
    assert [schedule.factor(epoch, epochs) for epoch in range(epochs)] == pytest.approx(expected, abs=1e-6)


def test_linear_begins_after_its_delay():
    delayed = [Linear(after=4).factor(epoch, 10) for epoch in range(10)]
    assert delayed == [1.0] * 4 + [Linear().factor(epoch, 6) for epoch in range(6)]


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


@pytest.mark.parametrize("warmup", [1.0, -0.1])
def test_a_warmup_is_a_share(warmup):
    with pytest.raises(ValueError, match="share of the stage"):
        Cosine(warmup=warmup)
