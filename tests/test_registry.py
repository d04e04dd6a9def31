import pytest

from anysyn import registry
from anysyn.errors import RecipeError
from anysyn.registry import Given, build, find, names, parameters, register


@pytest.fixture
def kitchen():
    """Register a few factories under a kind of their own and forget them afterwards."""
    before = dict(registry._FACTORIES)

    @register("dish", "soup")
    def soup(*, water: Given[int], salt: float, spoon: str = "big") -> tuple:
        return water, salt, spoon

    yield soup
    registry._FACTORIES.clear()
    registry._FACTORIES.update(before)


def test_build_passes_recipe_keys_and_what_is_given(kitchen):
    assert build("dish", {"name": "soup", "salt": 0.5}, water=3, unused="x") == (3, 0.5, "big")


def test_a_recipe_cannot_set_what_the_build_gives(kitchen):
    with pytest.raises(RecipeError, match="takes no 'water'"):
        build("dish", {"name": "soup", "salt": 0.5, "water": 1}, water=3)


def test_an_unknown_key_names_the_place_the_choices_and_the_nearest_match(kitchen):
    with pytest.raises(RecipeError) as caught:
        build("dish", {"name": "soup", "slat": 0.5}, "menu.first", water=3)
    assert str(caught.value) == "menu.first: dish 'soup' takes no 'slat'; did you mean 'salt'? choices: salt, spoon"


def test_a_missing_key_is_named(kitchen):
    with pytest.raises(RecipeError, match="menu: dish 'soup' needs salt"):
        build("dish", {"name": "soup"}, "menu", water=3)


def test_an_unknown_name_gives_the_nearest_match(kitchen):
    with pytest.raises(RecipeError, match=r"no dish named 'soop'; did you mean 'soup'\? choices: soup"):
        find("dish", "soop")


def test_two_factories_cannot_share_a_name(kitchen):
    with pytest.raises(RecipeError, match="already registered by"):
        register("dish", "soup")(lambda: None)


def test_registering_the_same_factory_twice_is_harmless(kitchen):
    assert register("dish", "soup")(kitchen) is kitchen
    assert names("dish") == ["soup"]


def test_annotations_are_resolved(kitchen):
    assert parameters(kitchen)["salt"][0] is float
    assert registry.is_given(parameters(kitchen)["water"][0])
