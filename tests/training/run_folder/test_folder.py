import json
from types import SimpleNamespace

import pytest

from anysyn.files import locked, write_manifest
from anysyn.training.run_folder.folder import RunError, RunFolder
from anysyn.versions import versions


class FakeRecipe(SimpleNamespace):
    def spec(self):
        return {"name": "tiny"}

    def roots(self):
        return [] if self.data.root is None else [self.data.root]


RECIPE = FakeRecipe(stages=[SimpleNamespace(name="synthesis")], data=SimpleNamespace(root=None))
WRITTEN = (
    *("split.json", "log.csv", "weights.safetensors", "stage-synthesis.safetensors", "best-synthesis.safetensors"),
    *("samples/0-synthesis-0001.png", "tensorboard/synthesis/events.out.tfevents.1700000000.node7.12.0"),
    *("checkpoints/last", "checkpoints/stage0-epoch00001-batch000000/state.pt"),
    *(f"cache/{40 * 'a'}.safetensors", f"cache/contents/{40 * '0'}"),
)


def fill(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


@pytest.fixture
def run(tmp_path):
    """Return a run as training writes it, evaluated and reported, with an earlier evaluation elsewhere in it."""
    run = RunFolder(tmp_path / "run")
    run.create(RECIPE)
    fill(run.path, *WRITTEN)
    run.write("evaluation.json", {"results": "evaluation"})
    for folder in ("evaluation", "evaluation/content", "second"):
        write_manifest(run.path / folder, "anysyn evaluate", ["cases.csv", "examples/a.npz"])
        fill(run.path / folder, "cases.csv", "examples/a.npz")
    return run


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())


def test_no_record_says_what_is_missing(tmp_path):
    with pytest.raises(RunError, match=r"split\.json"):
        RunFolder(tmp_path).read("split.json")


def test_overwriting_deletes_a_run_and_what_was_evaluated_in_it(run):
    run.create(RECIPE, overwrite=True)
    assert names(run.path) == ["manifest.json", "recipe.yaml", "versions.json"]
    assert run.read("versions.json") == versions()


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt",
        "data/sub-01/T1w.nii.gz",
        "samples/figure.png",
        "checkpoints/mine.pt",
        "checkpoints/stage0-epoch00001-batch000000/notes.txt",
        "evaluation/examples/b.npz",
        "evaluation/content/notes.txt",
        "tensorboard/other/events.out.tfevents.1.a.1.0",
        "cache/notes.txt",
    ],
)
def test_a_file_of_somebody_else_keeps_all_of_the_folder(run, name):
    fill(run.path, name)
    before = names(run.path)
    with pytest.raises(RunError, match="leaves it alone") as caught:
        run.create(RECIPE, overwrite=True)
    assert name in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert names(run.path) == before


def test_a_project_with_a_recipe_in_it_is_no_run(tmp_path):
    fill(tmp_path, "recipe.yaml", "data/sub-01/T1w.nii.gz", "thesis.tex")
    with pytest.raises(RunError, match=r"data/sub-01/T1w\.nii\.gz, recipe\.yaml, thesis\.tex"):
        RunFolder(tmp_path).create(RECIPE, overwrite=True)
    assert len(names(tmp_path)) == 3


@pytest.mark.parametrize("name", ["checkpoints", "cache", "evaluation", "weights.safetensors", "log.csv"])
def test_nothing_is_deleted_through_a_link(run, tmp_path, name):
    fill(tmp_path / "victim", "last", f"contents/{40 * '0'}", "cases.csv")
    inside = run.path / name
    if inside.is_dir():
        inside.rename(tmp_path / "elsewhere")
    else:
        inside.unlink()
    inside.symlink_to(tmp_path / "victim")
    with pytest.raises(RunError, match=name):
        run.create(RECIPE, overwrite=True)
    assert len(names(tmp_path / "victim")) == 3


@pytest.mark.parametrize("made_by", ["anysyn simulate", "anysyn train", "anysyn demo"])
@pytest.mark.parametrize("place", ["", "inner", "evaluation/inner"])
def test_what_another_command_made_is_no_earlier_run(run, made_by, place):
    folder = run.path / place
    write_manifest(folder, made_by if place else made_by.replace("train", "evaluate"), ["sub-01.nii.gz", "recipe.yaml"])
    fill(folder, "sub-01.nii.gz")
    before = names(run.path)
    with pytest.raises(RunError, match="leaves it alone"):
        run.create(RECIPE, overwrite=True)
    assert names(run.path) == before


@pytest.mark.parametrize("root", ["subjects.csv", "."])
def test_the_data_of_the_new_run_are_not_deleted_with_the_old_one(run, root):
    fill(run.path, "subjects.csv")
    before = names(run.path)
    recipe = FakeRecipe(stages=RECIPE.stages, data=SimpleNamespace(root=str(run.path / root)))
    with pytest.raises(RunError, match="holds the data of the recipe"):
        run.create(recipe, overwrite=True)
    assert names(run.path) == before


def test_a_run_of_before_there_were_manifests_says_so(run):
    (run.path / "manifest.json").unlink()
    with pytest.raises(RunError, match=r"there is no manifest\.json; .* delete yourself"):
        run.create(RECIPE, overwrite=True)


def test_the_lock_of_a_killed_evaluation_is_no_obstacle(run):
    fill(run.path, "third/.anysyn.lock")
    run.create(RECIPE, overwrite=True)
    assert "weights.safetensors" not in names(run.path)


def test_what_another_process_evaluates_in_the_run_is_not_deleted(run):
    with locked(run.path / "evaluation", "anysyn evaluate"), pytest.raises(ValueError, match="locked by process"):
        run.create(RECIPE, overwrite=True)
    assert (run.path / "evaluation" / "cases.csv").is_file()
    run.create(RECIPE, overwrite=True)


def test_a_record_is_in_the_manifest_before_it_is_there(run):
    run.write("new.json", {})
    assert "new.json" in json.loads((run.path / "manifest.json").read_text())["files"]
    run.create(RECIPE, overwrite=True)
    assert not (run.path / "new.json").exists()


RECORDS = ("split.json", "failures.json", "subjects.csv", f"cache/{40 * 'a'}.safetensors")


def test_what_a_run_left_that_ended_before_its_first_step_is_no_obstacle(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.create(RECIPE)
    fill(run.path, *RECORDS, "checkpoints/adapted/state.pt", "checkpoints/last")
    run.create(RECIPE)
    kept = [f"cache/{40 * 'a'}.safetensors", "manifest.json", "recipe.yaml", "versions.json"]
    assert names(run.path) == kept  # what was prepared takes hours, and is known by its contents


@pytest.mark.parametrize(
    "name", ["log.csv", "weights.safetensors", "checkpoints/stage0-epoch00001-batch000000/state.pt", "notes.txt"]
)
def test_a_run_that_trained_and_files_of_others_are(tmp_path, name):
    run = RunFolder(tmp_path / "run")
    run.create(RECIPE)
    fill(run.path, *RECORDS, name)
    before = names(run.path)
    with pytest.raises(RunError, match="is not empty"):
        run.create(RECIPE)
    assert names(run.path) == before


@pytest.mark.parametrize("name", ["samples", "tensorboard", "tensorboard/synthesis"])
def test_nothing_is_written_through_a_linked_folder(run, tmp_path, name):
    run.check_no_links()
    (run.path / name).rename(tmp_path / "elsewhere")
    (run.path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=f"{name} is a link") as caught:
        run.check_no_links()
    assert len(str(caught.value).splitlines()) == 1
