import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from anysyn.build import load
from anysyn.plugins import enrol
from anysyn.recipe.read import read, recipes_folder
from anysyn.recipe.schema import json_schema

enrol()
VALIDATOR = Draft202012Validator(json_schema())
RECIPES = sorted(recipes_folder().rglob("*.yaml"))


def test_the_schema_is_a_schema():
    Draft202012Validator.check_schema(VALIDATOR.schema)
    json.dumps(VALIDATOR.schema)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_fits_as_written_and_as_resolved(path, offline):
    as_json = json.loads(json.dumps(yaml.safe_load(path.read_text())))  # whose keys are all text
    assert not list(VALIDATOR.iter_errors(as_json))
    assert not list(VALIDATOR.iter_errors(load(path, offline(path)).spec()))


@pytest.mark.parametrize(
    "override", ["stages.0.epochs=many", "parts.synthesizer.encoder.widhts=[1]", "data.view.name=slice", "sed=1"]
)
def test_the_schema_finds_what_the_check_finds(override):
    assert list(VALIDATOR.iter_errors(read("small/label", [override]).tree))


def test_a_part_without_a_name_is_a_change_and_needs_a_base():
    change = {"parts": {"synthesizer": {"decoder": {"name": "cnn"}}}}
    assert not list(VALIDATOR.iter_errors({"base": "label", **change}))
    assert list(VALIDATOR.iter_errors(change))
    assert list(VALIDATOR.iter_errors({"base": "label", "parts": {"synthesizer": {"name": "synthesiser"}}}))
