"""A name means a packaged run wherever a run folder may be named, and a folder goes before it."""

import shutil

import pytest
from packed import pack_tiny

import anysyn
from anysyn.build import load
from anysyn.packaged.names import hides, is_packaged, packaged_names, packaged_run
from anysyn.synthesis import load_run
from anysyn.training.run_folder.names import find_run
from anysyn.training.run_folder.records import RunError


@pytest.fixture(scope="module")
def packages(tiny, tmp_path_factory):
    return pack_tiny(tiny, tmp_path_factory.mktemp("names")).parent


def test_names(packages):
    assert packaged_names(packages) == ["tiny-brain"]
    assert packaged_run("tiny-brain", packages) == packages / "tiny-brain"
    assert packaged_run("./tiny-brain/", packages) is None
    assert is_packaged(packages / "tiny-brain")


def test_a_run_is_loaded_by_its_name(packages, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_run("tiny-brain", accelerator="cpu", packages=packages).folder.path == packages / "tiny-brain"


def test_an_unknown_name_is_one_line_with_the_nearest(packages, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        RunError, match=r"^tiny-brian holds no recipe.*did you mean 'tiny-brain'\? choices: tiny-brain$"
    ):
        find_run("tiny-brian", packages=packages)
    with pytest.raises(RunError, match=r"check the path$"):
        find_run("no/such", packages=packages)


def test_a_folder_goes_before_the_packaged_run_of_its_name(tiny, packages, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny-brain").mkdir()
    with pytest.raises(RunError, match="a folder goes before the packaged run of its name"):
        find_run("tiny-brain", packages=packages)
    shutil.copy(tiny / "run" / "recipe.yaml", tmp_path / "tiny-brain")
    assert not find_run("tiny-brain", packages=packages).packaged
    assert "is the folder here" in hides("tiny-brain", packages)


def test_a_recipe_is_that_of_a_run_by_its_folder_or_its_name(tiny, packages, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("anysyn.packaged.names.own_packages", lambda: packages)
    assert load("tiny-brain").name == load(tiny / "run").name == "tiny"
    assert anysyn.models().cards[0].name == "tiny-brain"
