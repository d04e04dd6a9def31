"""A step of training never waits for the device: run on a GPU without values, where any wait is an error."""

import pytest
import torch
from fake_gpu import FakeFabric, FakeGPU, WaitedError

from anysyn import build
from anysyn.acquisition import Acquisition
from anysyn.data.loading.ahead import Made, Plan
from anysyn.ops import chosen
from anysyn.points import Points
from anysyn.recipe.read import recipes_folder
from anysyn.registry import names
from anysyn.training.steps import PlannedBatch, StepLoop, steps_of
from anysyn.types import Batch

SMALL = recipes_folder() / "small"
PUBLISHED = {"baselines/tumsyn-biomedclip"}  # needs weights that somebody else published
RECIPES = sorted({path.relative_to(SMALL).with_suffix("").as_posix() for path in SMALL.rglob("*.yaml")} - PUBLISHED)


def batch_for(view, modalities):
    """Make a batch whose samples lack different modalities, as a view would."""
    size = (64, 64) if view.dimensions == 2 else (32, 32, 32)
    size = (view.depth, *size) if view.dimensions == 2 and view.depth > 1 else size
    samples, count = 4, len(modalities)
    lacking = (torch.arange(samples).unsqueeze(1) + torch.arange(count)) % 3 == 0  # (B, M)
    available = ~lacking if count > 2 else torch.ones_like(lacking)
    known = [Acquisition(modality=name, echo_time_ms=20.0) for name in modalities]
    records = tuple(
        tuple(one if there else None for one, there in zip(known, row, strict=True)) for row in available.tolist()
    )
    finer = {}
    if view.points:
        at = torch.rand(samples, 50, len(size)) * 2 - 1
        finer = {"points": Points(at, torch.full((samples, len(size)), 0.5)), "values": torch.rand(samples, count, 50)}
        finer["value_acquisitions"] = records
    images, spacing = torch.rand(samples, count, *size), torch.ones(samples, len(size))
    keys = ("a", "b", "a", "c")
    return Batch(images, available, torch.eye(4)[:, :2], spacing, records, keys, **finer)


def steps(name, gpu):
    """Run two steps of each stage of a recipe; what only the first does, as a constant's way to the GPU, may wait."""
    recipe = build.load(f"small/{name}")
    parts = build.parts(recipe)
    for part in parts.values():
        gpu.take(part)
    parts.train()
    for stage in (stage for stage in recipe.stages if stage.epochs):
        view = build.make(recipe, stage.view or recipe.data.view, "view")
        queries = build.make(recipe, stage.queries, "queries", names=tuple(recipe.modalities))
        batch = batch_for(view, recipe.modalities)
        made = Made(batch, queries.draw(batch, torch.Generator().manual_seed(0)))
        fabric = FakeFabric()
        active = steps_of(recipe, stage, parts, fabric)
        loop = StepLoop(fabric, parts, stage.clip_gradient, make=None)
        for strict in (False, True):
            gpu.strict = strict
            loop.run(PlannedBatch(Plan([0], 0), active, [step.lr for step in active], 1, last=True), iter([made]))
        yield [type(step.objective) for step in active]


@pytest.mark.parametrize("name", RECIPES)
def test_no_step_of_a_small_recipe_waits(name):
    with FakeGPU() as gpu:
        assert list(steps(name, gpu))


def test_the_recipes_train_by_every_objective():
    stages = [stage for name in RECIPES for stage in build.load(f"small/{name}").stages if stage.epochs]
    trained = {step.objective["name"] for stage in stages for step in stage.steps}
    assert trained >= set(names("objective"))


WAITS = {
    "a number": lambda there, mask: float(there.sum()),
    "a decision": lambda there, mask: bool((there > 0).any()),
    "a list": lambda there, mask: there.tolist(),
    "a mask there": lambda there, mask: there[there > 0],
    "a mask here": lambda there, mask: there[mask],
    "an index here": lambda there, mask: there[mask.long().argmax(1)],
    "places": lambda there, mask: there.nonzero(),
    "equality": lambda there, mask: there.equal(there),
    "a copy back": lambda there, mask: there.cpu(),
    "a copy": lambda there, mask: mask.to(there.device),
    "an assignment": lambda there, mask: there.index_put_((mask,), torch.zeros(())),
}


@pytest.mark.parametrize("what", WAITS)
def test_what_waits_is_found(what):
    with FakeGPU() as gpu:
        gpu.strict = True
        there, mask = gpu.empty_like(torch.zeros(3, 4)), torch.eye(3, 4) > 0
        with pytest.raises(WaitedError):
            WAITS[what](there, mask)


def test_what_a_table_on_the_cpu_marks_is_taken_without_a_wait():
    mask = torch.eye(3, 4) > 0
    with FakeGPU() as gpu:
        gpu.strict = True
        assert chosen(gpu.empty_like(torch.zeros(3, 4, 5)), mask).shape == (3, 5)
