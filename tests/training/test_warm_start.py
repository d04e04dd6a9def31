"""A part may begin a stage with what another one has learned."""

import pytest
from toys import write_cohort
from trained import weights, write_tiny

import anysyn
from anysyn import build
from anysyn.errors import RecipeError


def recipe_of(folder, root=None, warm_start=("synthesizer", "teacher"), **parts):
    def change(tree):
        tree["data"]["root"] = root and str(root)
        tree["parts"] = {"teacher": tree["parts"]["synthesizer"], **tree["parts"], **parts}
        (stage,) = tree["stages"]
        first, second = {**stage, "name": "first", "epochs": 1}, {**stage, "name": "second", "epochs": 1}
        step = stage["steps"][0]
        objective = {**step["objective"], "model": "@teacher"}
        first["steps"] = [{**step, "objective": objective, "train": ["teacher"]}]
        second["warm_start"] = dict([warm_start])
        second["steps"] = [{**step, "optimizer": {"name": "adam", "lr": 0.0}}]
        tree["stages"] = [first, second]

    return write_tiny(folder, change)


def test_the_second_stage_begins_where_the_first_ended(tmp_path):
    root = write_cohort(tmp_path / "cohort", subjects=4, shape=(16, 16, 6))
    run = anysyn.train(recipe_of(tmp_path, root), out=tmp_path / "run", accelerator="cpu").folder
    kept = [weights(run, f"stage-{name}") for name in ("first", "second")]
    own = {name.removeprefix("teacher."): value for name, value in kept[0].items() if name.startswith("teacher.")}
    assert own
    for name, value in own.items():
        assert value.equal(kept[1][f"synthesizer.{name}"])  # at a learning rate of zero nothing moves on
    assert any(not value.equal(kept[0][f"synthesizer.{name}"]) for name, value in own.items())


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        (("synthesizer", "techer"), "no part is called 'techer'; did you mean 'teacher'?"),
        (("student", "teacher"), "no part is called 'student'"),
        (("synthesizer", "head"), "'head' has no weight with a name and a shape of 'synthesizer'"),
    ],
)
def test_what_cannot_be_taken_is_found_before_the_training(tmp_path, pair, message):
    head = {"name": "modality_head", "model": "@synthesizer"}
    with pytest.raises(RecipeError, match=r"stages\.1\.warm_start") as caught:
        build.load(recipe_of(tmp_path, warm_start=pair, head=head))
    assert message in str(caught.value)
