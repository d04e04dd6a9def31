import pytest
import yaml

from anysyn.errors import RecipeError
from anysyn.recipe.read import find, merge, parse, read


def write(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def test_a_recipe_inherits_and_changes_one_thing(tmp_path):
    write(tmp_path, "grandparent.yaml", "seed: 1\nstages:\n  - {name: a, epochs: 1}\n  - {name: b, epochs: 2}\n")
    write(tmp_path, "parent.yaml", "base: grandparent\nname: parent\n")
    child = write(tmp_path, "child.yaml", "base: parent\nname: child\nstages: {1: {epochs: 9}}\n")
    stages = [{"name": "a", "epochs": 1}, {"name": "b", "epochs": 9}]
    assert read(child).tree == {"name": "child", "seed": 1, "stages": stages}


def test_naming_another_part_drops_the_keys_of_the_old_one():
    assert merge({"d": {"name": "cnn", "norm": "group"}}, {"d": {"name": "liif"}}) == {"d": {"name": "liif"}}
    assert merge({"d": {"name": "cnn", "norm": "group"}}, {"d": {"name": "cnn", "widths": 3}})["d"]["norm"] == "group"


def test_a_circle_is_an_error(tmp_path):
    write(tmp_path, "a.yaml", "base: b\n")
    with pytest.raises(RecipeError, match="circle"):
        read(write(tmp_path, "b.yaml", "base: a\n"))


def test_overrides_reach_into_lists_and_make_what_is_missing(tmp_path):
    recipe = write(tmp_path, "r.yaml", "stages:\n  - {epochs: 1}\n")
    tree = read(recipe, ["stages.0.epochs=5", "data.root=a b", "data.split.train=[x, y]", "paper=null"]).tree
    data = {"root": "a b", "split": {"train": ["x", "y"]}}
    assert tree == {"stages": [{"epochs": 5}], "data": data, "paper": None}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("epochs", "path.to.key=value"),
        ("stages.3.epochs=1", "'?3'? is not one of the items 0 to 0"),
        ("x={", "not a YAML value"),
        ("x=!!int abc", "not a YAML value"),
        ("stages.0.epochs.x.y=1", None),
        ("stages.²=1", "not one of the items"),
        (".".join("x" * 99) + "=1", "nested deeper"),
    ],
)
def test_an_override_that_cannot_be_applied(tmp_path, override, message):
    path = write(tmp_path, "r.yaml", "stages:\n  - {epochs: 1}\n")
    if message is None:
        assert read(path, [override]).tree == {"stages": [{"epochs": {"x": {"y": 1}}}]}
        return
    with pytest.raises(RecipeError, match=message):
        read(path, [override])


def test_an_override_within_a_word_of_a_list(tmp_path):
    with pytest.raises(RecipeError, match=r"'x' lies in 'T1w', which is no mapping and no list"):
        read(write(tmp_path, "r.yaml", "modalities: [T1w]\n"), ["modalities.0.x=1"])


WORDS = ["2024", "no", "1e3", "2001-01-01", "2001-99-99", "0x_", "007", "study #2", "a: b", "1:30", "-x", "~x"]


@pytest.mark.parametrize("word", WORDS)
def test_a_text_is_what_was_typed(word):
    from anysyn.build import load

    recipe = load("small/label", [f"data.root={word}", f"name={word}", f"data.datasets=['{word}', {WORDS[0]}]"])
    assert (recipe.data.root, recipe.name, list(recipe.data.datasets)) == (word, word, [word, "2024"])


@pytest.mark.parametrize("word", ["2024", "no", "1e3", "2001-01-01", "007"])
def test_a_text_in_a_file_is_what_was_typed(tmp_path, word):
    from anysyn.build import load

    text = f"base: small/label\nname: {word}\ndata: {{root: {word}, split: {{train: [{word}], test: 0.5}}}}\n"
    recipe = load(write(tmp_path, "r.yaml", text))
    assert (recipe.name, recipe.data.root, list(recipe.data.split.train)) == (word, word, [word])
    assert recipe.data.split.test == 0.5


def test_a_word_that_a_base_typed_gives_way(tmp_path):
    from anysyn.build import load

    write(tmp_path, "a.yaml", "base: small/label\ndata: {root: 2024}\n")
    child = write(tmp_path, "b.yaml", "base: a\ndata: {root: [x]}\n")
    with pytest.raises(RecipeError, match=r"b\.yaml:2: data\.root: Input should be a valid string, found \['x'\]"):
        load(child)


def test_no_number_is_made_of_nothing(tmp_path):
    from anysyn.build import load

    with pytest.raises(RecipeError, match=r"seed: .*found '2001-99-99'"):
        load("small/label", ["seed=2001-99-99"])
    assert load("small/label", ["data.root=null"]).data.root is None


def test_places_are_lines_of_the_file_that_said_it(tmp_path):
    write(tmp_path, "a.yaml", "paper: x\nstages:\n  - name: s\n    epochs: 1\n")
    source = read(write(tmp_path, "b.yaml", "# comment\nbase: a\nseed: 3\n"), ["paper=y"])
    assert source.place(("stages", 0, "epochs")) == "a.yaml:4: stages.0.epochs"
    assert source.place(("seed",)) == "b.yaml:3: seed"
    assert source.place(("paper",)) == "command line: paper"


def test_a_key_that_stands_twice_is_an_error(tmp_path):
    with pytest.raises(RecipeError, match=r"r.yaml:2: the key 'seed' is there twice"):
        parse(write(tmp_path, "r.yaml", "seed: 1\nseed: 2\n"))


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch {marker}']",
        "x: !!python/name:os.system",
        "x: !!python/object/new:subprocess.Popen [['touch', '{marker}']]",
    ],
)
def test_a_recipe_from_a_stranger_runs_no_code(tmp_path, text):
    marker = tmp_path / "marker"
    with pytest.raises(RecipeError):
        parse(write(tmp_path, "r.yaml", text.replace("{marker}", str(marker))))
    assert not marker.exists()


@pytest.mark.parametrize("text", ["", "- 1\n", "a: [1\n", "\x00"])
def test_what_is_no_mapping_is_an_error(tmp_path, text):
    with pytest.raises(RecipeError, match=r"r\.yaml"):
        parse(write(tmp_path, "r.yaml", text))


def test_recipes_are_found_by_name_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("small/label", "small/label.yaml", "recipes/small/label.yaml"):
        assert yaml.safe_load(find(name).read_text())["name"] == "label"


def test_an_unknown_recipe_gives_the_nearest_match():
    with pytest.raises(RecipeError, match=r"no recipe 'small/lable'.*did you mean 'small/label'\?"):
        find("small/lable")
