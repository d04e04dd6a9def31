import pytest

from anysyn import registry
from anysyn.errors import RecipeError
from anysyn.registry import Given, build, names, parameters, register


@pytest.fixture
def kitchen(monkeypatch):
    """Register a few factories under a kind of their own and forget them afterwards."""
    monkeypatch.setattr(registry, "_FACTORIES", dict(registry._FACTORIES))

    @register("dish", "soup")
    def soup(*, water: Given[int], salt: float, spoon: str = "big") -> tuple:
        return water, salt, spoon

    return soup


def test_build_passes_recipe_keys_and_what_is_given(kitchen):
    assert build("dish", {"name": "soup", "salt": 0.5}, water=3, unused="x") == (3, 0.5, "big")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "soup", "salt": 0.5, "water": 1}, "dish 'soup' takes no 'water'; choices: salt, spoon"),
        ({"name": "soup", "slat": 0.5}, "dish 'soup' takes no 'slat'; did you mean 'salt'? choices: salt, spoon"),
        ({"name": "soup"}, "dish 'soup' needs salt"),
        ({"name": "soop"}, "no dish named 'soop'; did you mean 'soup'? choices: soup"),
    ],
)
def test_a_mistake_names_the_place_the_choices_and_the_nearest_match(kitchen, spec, message):
    with pytest.raises(RecipeError) as caught:
        build("dish", spec, "menu.first", water=3)
    assert str(caught.value) == f"menu.first: {message}"


def test_two_factories_cannot_share_a_name(kitchen):
    with pytest.raises(RecipeError, match="already registered by"):
        register("dish", "soup")(lambda: None)


def test_registering_the_same_factory_twice_is_harmless(kitchen):
    assert register("dish", "soup")(kitchen) is kitchen
    assert names("dish") == ["soup"]


def test_annotations_are_resolved(kitchen):
    assert parameters(kitchen)["salt"][0] is float
    assert registry.is_given(parameters(kitchen)["water"][0])
