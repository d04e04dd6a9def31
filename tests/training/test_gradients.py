"""Gradients of two processes are those of one on both their batches, whatever each of them leaves unused."""

import multiprocessing
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from torch import nn

from anysyn.objectives.objective import Objective
from anysyn.training import gradients
from anysyn.training.steps import TrainingStep, learn

# Heads of the two rows that each process sees, batch by batch: both use both, or one each, and once one uses none.
SEEN = (((0, 0), (1, 1)), ((0, 1), (0, 1)), ((0, 1), (1, 0)), ((1, 1), (0, 0)), ((0, 0), (1, 0)), ((0, 1), (1, 1)))
NETWORKS = ("trunk", "a", "b", "nobody", "judge")


def fresh():
    torch.manual_seed(0)
    return nn.ModuleDict({name: nn.Linear(6, 6) for name in NETWORKS}).double()


class Heads(Objective):
    """Square the answers of the head that each row names, so that a process may use one head alone."""

    def __init__(self, parts, *, judged):
        super().__init__()
        self.parts, self.judged = parts, judged

    def forward(self, batch, query):
        rows, heads = batch
        errors = []
        for number, name in enumerate(("a", "b")):
            answer = self.parts[name](torch.tanh(self.parts["trunk"](rows[heads == number])))
            answer = self.parts["judge"](answer) if self.judged else answer
            errors += [answer.square().mean(1)] if len(answer) else []
        return {"error": torch.cat(errors).mean()}


def train(rank, processes, store, results):
    """Train two steps that share a network, two batches an update, in one of some processes."""
    sent, inside = [], []
    if processes > 1:
        torch.set_num_threads(1)
        dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=processes)
        launch = gradients._Bucket.launch
        gradients._Bucket.launch = lambda bucket: (sent.append(bool(inside)), launch(bucket))
    parts = fresh()

    def backward(loss):
        inside.append(True)
        loss.backward()
        inside.clear()

    def step(*names, judged):
        learning = [p for name in names for p in parts[name].parameters()]
        optimizer = torch.optim.AdamW(learning, lr=0.01, weight_decay=0.1)
        average = gradients.GradientAverage(learning, bucket=400) if processes > 1 else None
        objective = Heads(parts, judged=judged)
        return TrainingStep(objective, learning, optimizer, optimizer, None, 0.01, range(1), average)

    fabric = SimpleNamespace(autocast=nullcontext, backward=backward, strategy=SimpleNamespace(precision=None))
    steps = [step("trunk", "a", "b", "nobody", judged=False), step("judge", "trunk", judged=True)]
    rows = torch.randn(len(SEEN), 2, 2, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for number, heads in enumerate(SEEN):
        mine = slice(None) if processes == 1 else slice(rank, rank + 1)
        batch = (rows[number, mine].flatten(0, 1), torch.tensor(heads)[mine].flatten())
        for each in steps:
            learn(fabric, parts, each, batch, None, accumulate=2, last=number % 2 == 1, clip=0.5)
    torch.save((parts.state_dict(), sent), results / f"{processes}-{rank}.pt")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gradients")
    train(0, 1, None, folder)
    context = multiprocessing.get_context("spawn")  # autograd of earlier tests has threads, which a fork breaks
    processes = [context.Process(target=train, args=(rank, 2, folder / "store", folder)) for rank in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=120)
    assert [process.exitcode for process in processes] == [0, 0]
    return [torch.load(folder / name) for name in ("1-0.pt", "2-0.pt", "2-1.pt")]


def test_two_processes_learn_what_one_does_on_both_batches(runs):
    (one, _), (first, _), (second, _) = runs
    start = fresh().state_dict()
    for name, weight in one.items():
        assert torch.equal(first[name], second[name]), name
        torch.testing.assert_close(first[name], weight, atol=1e-12, rtol=1e-9)
        assert torch.equal(weight, start[name]) == name.startswith("nobody"), name


def test_what_no_process_uses_keeps_its_weights(runs):
    assert torch.equal(runs[1][0]["nobody.weight"], fresh()["nobody"].weight), "weight decay alone would move them"


def test_buckets_travel_during_the_backward_pass_and_the_unused_after_it(runs):
    for _, sent in runs[1:]:
        assert any(sent), "none left before the backward pass had ended"
        assert not all(sent)


def test_buckets_hold_every_parameter_once_the_last_first():
    kinds = (torch.float32, torch.float64, torch.float64, torch.float64)
    weights = [nn.Parameter(torch.zeros(n, dtype=kind)) for n, kind in zip((3, 3, 3, 9), kinds, strict=True)]
    buckets = gradients.buckets_of(weights, 48)
    assert [parameter for bucket in buckets for parameter in bucket] == weights[::-1]
    assert [len(bucket) for bucket in buckets] == [1, 2, 1], "a large one, and another type, apart"
