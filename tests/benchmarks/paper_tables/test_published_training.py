"""The rows of the tables are trained as their papers say, where docs/methods names no departure."""

import pytest
import torch
from paper_tables.cohorts import TRAINING, Subjects
from paper_tables.plan import Options, plan_of
from paper_tables.read_table import read_table, table_files
from paper_tables.sizes import read_size
from paper_tables.store import Store

from anysyn import build
from anysyn.clip.pixels import Voxels
from anysyn.descriptors import ModalityOfDataset
from anysyn.recipe.check import check
from anysyn.recipe.read import Source
from anysyn.types import Batch, Query


def rows_of(tmp_path, name):
    table = read_table(table_files()[name])
    subjects = {one: Subjects(tmp_path, one, True) for one in (TRAINING, *table.sets)}
    plan = plan_of(table, Options(read_size("paper", table), subjects), Store(tmp_path / "out"))
    rows = {cell.method: cell.run for cell in plan.cells if not cell.question.get("simple")}
    return {method: check(Source(plan.recipes[run]))[0] for method, run in rows.items()}


def learning(recipe):
    """Return the epochs that a recipe trains for, the rate of its first step, and the last stage's schedule."""
    step = next(stage for stage in recipe.stages if stage.epochs).steps[0]
    last = recipe.stages[-1].steps[0].schedule
    return sum(stage.epochs for stage in recipe.stages), step.optimizer["lr"], (last["name"], last.get("after"))


@pytest.mark.parametrize("name", ["pmm-1", "pmm-2"])
def test_the_rivals_of_pmm_synth_train_as_long_as_it(tmp_path, name):
    found = {method: learning(recipe) for method, recipe in rows_of(tmp_path, name).items()}
    assert {epochs for epochs, _, _ in found.values()} == {200}
    assert {rate for _, rate, _ in found.values()} == {2e-4}
    own = {"MM-GAN", "ResViT"}  # a curriculum and two stages: docs/methods/pmm-synth.md
    assert {schedule for method, (*_, schedule) in found.items() if method not in own} == {("linear", 50)}


def test_omnisyn_learns_at_one_rate():
    rates = {step.optimizer["lr"] for stage in build.load("omnisyn", lay_out=False).stages for step in stage.steps}
    assert rates == {1e-4}


def test_the_feature_loss_of_unisyn_weighs_a_tenth_of_the_sum_of_both_ways():
    """Objective `two_way` takes the mean of the ways, half of their sum."""
    losses = build.load("unisyn", lay_out=False).stages[-1].steps[0].objective["losses"]
    weights = {loss["name"]: loss.get("weight", 1.0) for loss in losses}
    assert weights["feature_l1"] / (weights["l1"] / 2) == pytest.approx(0.1)


@pytest.mark.parametrize("size", ["", "small/"])
def test_ct_of_unisyn_has_steps_below_one_unit_in_the_brain(size):
    """In bfloat16 a number from 1/2 to 1 has steps of 1/256: 16 HU of -1024 to 3071, a third of one of 0 to 80."""
    prepare = build.load(f"{size}unisyn", lay_out=False).data.prepare
    low, high, *_ = next(step for step in prepare if step["name"] == "rescale")["windows"]["CT"]
    assert (high - low) / 256 < 1
    assert low <= 0 < 45 < high  # fluid, grey and white matter


def test_volumes_of_tumsyns_pretraining_are_halved_to_the_tower():
    recipe = build.load("tumsyn", lay_out=False)
    view = recipe.stages[0].view
    assert [n // view["block"] for n in view["size"]] == [recipe.parts["clip"]["size"]] * 3
    volume = torch.rand(1, 1, *view["size"])
    halved = Voxels(side=recipe.parts["clip"]["size"])(volume)
    torch.testing.assert_close((halved + 1) / 2, torch.nn.functional.avg_pool3d(volume, 2))


@pytest.mark.parametrize("size", ["", "small/"])
def test_one_hot_is_a_label_of_modality_and_centre(size):
    (conditioner,) = build.load(f"{size}tumsyn-label", lay_out=False).parts["synthesizer"]["conditioners"]
    assert conditioner["reads"]["name"] == "modality_of_dataset"
    label = ModalityOfDataset(modalities=2, datasets=3, width=4)
    batch = Batch(torch.zeros(3, 2, 4), torch.ones(3, 2, dtype=torch.bool), torch.eye(3), torch.ones(3, 1))
    tokens = label(batch, Query(torch.zeros(3, 1, dtype=torch.long), torch.ones(3, 1, dtype=torch.long))).target
    assert len(tokens.flatten(1).unique(dim=0)) == 3  # one modality at three centres
