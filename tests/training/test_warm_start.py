"""A part may begin a stage with what another one has learned."""

import pytest
import safetensors.torch
import yaml
from toys import TINY, write_cohort

import anysyn
from anysyn import build
from anysyn.errors import RecipeError


def recipe_of(folder, root=None, warm_start=None, widths=(8, 12)):
    tree = yaml.safe_load(TINY)
    tree["data"]["root"] = root and str(root)
    made = tree["parts"].pop("synthesizer")
    other = {**made, "encoder": {"name": "unet", "widths": list(widths)}}
    tree["parts"] = {"teacher": other, "synthesizer": made}
    (stage,) = tree["stages"]
    first, second = {**stage, "name": "first", "epochs": 1}, {**stage, "name": "second", "epochs": 1}
    step = stage["steps"][0]
    objective = {**step["objective"], "model": "@teacher"}
    first["steps"] = [{**step, "objective": objective, "train": ["teacher"]}]
    second |= {"warm_start": warm_start or {"synthesizer": "teacher"}}
    second["steps"] = [{**step, "optimizer": {"name": "adam", "lr": 0.0}}]
    tree["stages"] = [first, second]
    (folder / "recipe.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return folder / "recipe.yaml"


def test_the_second_stage_begins_where_the_first_ended(tmp_path):
    root = write_cohort(tmp_path / "cohort", subjects=4, shape=(16, 16, 6))
    run = anysyn.train(recipe_of(tmp_path, root), out=tmp_path / "run", accelerator="cpu").folder
    kept = [safetensors.torch.load_file(run / f"stage-{name}.safetensors") for name in ("first", "second")]
    own = {name.removeprefix("teacher."): value for name, value in kept[0].items() if name.startswith("teacher.")}
    assert own
    for name, value in own.items():
        assert value.equal(kept[1][f"synthesizer.{name}"])  # at a learning rate of zero nothing moves on
    assert any(not value.equal(kept[0][f"synthesizer.{name}"]) for name, value in own.items())


@pytest.mark.parametrize(
    ("pairs", "widths", "message"),
    [
        ({"synthesizer": "techer"}, (8, 12), "no part is called 'techer'; did you mean 'teacher'?"),
        ({"student": "teacher"}, (8, 12), "no part is called 'student'"),
    ],
)
def test_a_part_that_is_not_there_is_found_before_the_training(tmp_path, pairs, widths, message):
    with pytest.raises(RecipeError, match=r"stages\.1\.warm_start") as caught:
        build.load(recipe_of(tmp_path, warm_start=pairs, widths=widths))
    assert message in str(caught.value)


def test_parts_with_nothing_in_common_are_found_before_the_training(tmp_path):
    path = recipe_of(tmp_path, warm_start={"synthesizer": "head"})
    tree = yaml.safe_load(path.read_text())
    tree["parts"]["head"] = {"name": "modality_head", "model": "@synthesizer"}
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    with pytest.raises(RecipeError, match="'head' has no weight with a name and a shape of 'synthesizer'"):
        build.load(path)
