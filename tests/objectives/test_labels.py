"""Every loss of an objective contributes its term, under a label of its own."""

import csv

import pytest
import torch
from toys import PROMPTED, batch_of, query_of, write_cohort
from trained import write_tiny

from anysyn import build, registry
from anysyn.objectives.synthesis import distinct
from anysyn.registry import find, names, parameters, register
from anysyn.training.fit import train
from anysyn.types import Loss

TAKE_LOSSES = [name for name in names("objective") if "losses" in parameters(find("objective", name))]


def recipe_of(folder, objective, losses, times=1):
    def change(tree):
        step = tree["stages"][0]["steps"][0]
        step["objective"] = {"name": objective, "model": "@synthesizer", "losses": losses}
        tree["stages"][0]["steps"] = [step] * times

    return write_tiny(folder, change)


def terms_of(folder, objective, losses):
    recipe = build.load(recipe_of(folder, objective, losses), [f"modalities=[{', '.join(PROMPTED)}]"])
    built = dict(build.parts(recipe).items())
    made = build.make(recipe, recipe.stages[0].steps[0].objective, "objective", built)
    return made(batch_of((16, 16)), query_of())


@pytest.fixture
def plugin(monkeypatch):
    """Register a loss whose class is called otherwise."""
    monkeypatch.setattr(registry, "_FACTORIES", dict(registry._FACTORIES))

    @register("loss", "edges")
    class GradientDifference(Loss):
        def forward(self, outcome):
            return outcome.prediction.diff(dim=-1).abs().mean()

    return GradientDifference


@pytest.mark.parametrize("objective", TAKE_LOSSES)
def test_two_losses_of_one_name_are_two_terms(tmp_path, objective):
    alone = terms_of(tmp_path, objective, [{"name": "l1"}])
    both = terms_of(tmp_path, objective, [{"name": "l1"}, {"name": "l1", "weight": 100}])
    torch.testing.assert_close(both["l1_1"], alone["l1"])
    torch.testing.assert_close(both["l1_2"], 100 * alone["l1"])
    assert both.keys() - {"l1_1", "l1_2"} == alone.keys() - {"l1"}


@pytest.mark.parametrize("objective", TAKE_LOSSES)
def test_labels_of_the_recipe_name_the_terms(tmp_path, objective):
    losses = [{"name": "l1", "label": "agreement"}, {"name": "l1", "weight": 100}, {"name": "mse", "label": "l2"}]
    terms = terms_of(tmp_path, objective, losses)
    own = {"agreement_1", "agreement_2"} if objective == "alone_and_together" else {"agreement"}
    assert terms.keys() == own | {"l1", "l2"}


@pytest.mark.parametrize("objective", TAKE_LOSSES)
def test_a_loss_of_a_plugin_has_the_name_it_is_registered_under(tmp_path, objective, plugin):
    assert "edges" in terms_of(tmp_path, objective, [{"name": "edges"}])


def test_two_steps_with_terms_of_one_name_are_logged_apart(tmp_path):
    write_cohort(tmp_path / "cohort")
    recipe = recipe_of(tmp_path, "synthesis", [{"name": "l1"}], times=2)
    overrides = [f"data.root={tmp_path / 'cohort'}", "stages.0.epochs=1"]
    run = train(recipe, out=tmp_path / "run", overrides=overrides, accelerator="cpu").folder
    for name in ("log.csv", "validation.csv"):
        assert {row["term"] for row in csv.DictReader((run / name).open())} == {"l1_1", "l1_2"}


def test_labels_never_collide():
    assert distinct(["l1", "l1_1", "l1", "l1"]) == ["l1_2", "l1_1", "l1_3", "l1_4"]
