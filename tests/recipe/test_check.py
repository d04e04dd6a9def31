import pytest
import yaml

from anysyn.build import load
from anysyn.errors import RecipeError
from anysyn.recipe.read import recipes_folder

RECIPES = sorted(recipes_folder().rglob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_of_the_package_is_sound(path, offline):
    recipe = load(path, offline(path))
    assert recipe.stages
    assert recipe.parts


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_resolved_recipe_loads_to_itself(path, offline, tmp_path):
    recipe = load(path, offline(path))
    copy = tmp_path / "copy.yaml"
    copy.write_text(yaml.safe_dump(recipe.spec(), sort_keys=False))
    assert load(copy) == recipe


def mistakes(*overrides):
    with pytest.raises(RecipeError) as caught:
        load("small/label", overrides)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("parts.synthesizer.encoder.widhts=[8]", "encoder 'unet' takes no 'widhts'; did you mean 'widths'?"),
        ("parts.synthesizer.encoder.name=unett", "no encoder named 'unett'; did you mean 'unet'?"),
        ("parts.synthesizer.encoder.widths=wide", "found 'wide'"),
        (
            "parts.synthesizer.conditioners.0.at=decoder/inn",
            "no site matches 'decoder/inn'; did you mean 'decoder/in'?",
        ),
        ("parts.synthesizer.conditioners.0.reads.name=modalty", "did you mean 'modality'?"),
        (
            "stages.0.steps.0.objective.model=@synthesiser",
            "no part is called 'synthesiser'; did you mean 'synthesizer'?",
        ),
        ("stages.0.steps.0.objective.losses.0.name=l2", "no loss named 'l2'"),
        ("stages.0.epochs=-1", "greater than or equal to 0, found -1"),
        ("stages.0.epochs=few", "found 'few'"),
        ("stages.0.epoch=3", "stage takes no 'epoch'; did you mean 'epochs'?"),
        ("data.rot=x", "data takes no 'rot'; did you mean 'root'?"),
        ("data.view.axis=axail", "found 'axail'"),
        ("modalities=[T1w, T2x]", "T2x"),
        ("modalities=[T1w]", "at least two"),
        ("modalities=[T1w, t1]", "more than once"),
        ("precision=64", "found 64"),
        ("data=3", "expected a mapping"),
        ("stages={}", "expected a list"),
        ("stages.0.steps.0.schedule={name: cosine, warmup: 2}", "less than 1, found 2"),
        ("stages.0.queries={name: one_to_one, sources: [T9]}", "'T9' is unknown"),
    ],
)
def test_each_mistake_is_one_line_with_its_place_and_the_remedy(override, line):
    found = mistakes(override)
    assert len(found) == 1, found
    assert line in found[0]
    assert found[0].startswith(("command line: ", "label.yaml:"))


def test_a_recipe_whose_modalities_are_misspelt_says_so(tmp_path):
    text = (recipes_folder() / "small" / "label.yaml").read_text().replace("modalities:", "m0dalities:")
    (tmp_path / "label.yaml").write_text(text)
    with pytest.raises(RecipeError, match="recipe takes no 'm0dalities'; did you mean 'modalities'"):
        load(tmp_path / "label.yaml")


def test_all_mistakes_come_at_once():
    found = mistakes("sed=1", "stages.0.epochs=-1", "parts.synthesizer.decoder.nrom=x", "data.view.name=slice")
    assert len(found) == 4


def test_a_site_and_a_key_are_reported_together():
    assert len(mistakes("stages.0.epochs=-1", "parts.synthesizer.conditioners.0.at=nowhere")) == 2


def test_what_is_missing_is_named(tmp_path):
    bare = tmp_path / "bare.yaml"
    bare.write_text("name: bare\n")
    with pytest.raises(RecipeError, match="recipe needs 'data', 'modalities', 'parts', 'stages'"):
        load(bare)


def test_numbers_that_yaml_reads_as_text_are_numbers():
    recipe = load("small/label", ["stages.0.steps.0.optimizer.lr=1e-4"])
    assert recipe.stages[0].steps[0].optimizer["lr"] == 1e-4


def test_aliases_of_modalities_become_canonical():
    assert list(load("small/label", ["modalities=[t1, t1ce, t2, flair]"]).modalities) == ["T1w", "T1c", "T2w", "FLAIR"]


def test_labels_of_bids_are_checked_with_the_recipe():
    found = mistakes("data.bids={aqc: highres, T1w: {run: 2, rnu: 1}, T9: {acq: x}}")
    assert len(found) == 3
    assert "data.bids.aqc: no entity named 'aqc'; did you mean 'acq'?" in found[0]
    assert "data.bids.T1w.rnu: no entity named 'rnu'; did you mean 'run'?" in found[1]
    assert "data.bids.T9: no modality named 'T9'" in found[2]
    asked = {"acq": ["highres", "norm"], "T1w": {"run": 2}}
    assert load("small/label", ["data.bids={acq: [highres, norm], T1w: {run: 2}}"]).data.bids == asked


def test_names_of_files_are_checked_with_the_recipe():
    found = mistakes("data.names={'*_post': T1c, '*_x': T9, '*_y': flare, '*_z': none}")
    assert len(found) == 2
    assert "'*_x'" in found[0] or "*_x" in found[0]
    assert "no modality named 'T9'; choices: ADC, AV45-PET" in found[0]
    assert "no modality named 'flare'" in found[1]
    assert len(mistakes("data.names={'*': 3}")) == 1
    assert load("small/label", ["data.names={'*_post': t1ce, '*': none}"]).data.names == {"*_post": "t1ce", "*": "none"}
