"""A damaged run folder is refused in a line that names the file, or read as far as it can be: never a traceback."""

import shutil

import pytest
import yaml
from mutations import damaged, draw_of, outcome
from run_folders import write_evaluation, write_run

from anysyn.reporting import report
from anysyn.synthesis.loaded_run import load_run
from anysyn.training.fit import resume
from anysyn.training.run_folder.folder import RunError, RunFolder

RECORDS = ("windows.json", "datasets.json", "split.json")


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Return a run folder with results, for the report."""
    run = write_run(tmp_path_factory.mktemp("shown") / "run")
    write_evaluation(run, run.path / "evaluation")
    return run.path


def read(folder):
    load_run(folder, accelerator="cpu").subjects()


def go_on(folder):
    resume(folder, accelerator="cpu")


def copied(run, folder):
    skipped = shutil.ignore_patterns("cache", "tensorboard", "table*", "margins*", "statistics*")
    return shutil.copytree(run, folder, ignore=skipped)


def mend(path, before):
    """Restore a file as it was; what reads a run writes nothing, so this is all that changed."""
    if path.is_dir():
        path.rmdir()
    path.write_bytes(before)


def wrong(seeds, trained, shown, folder):
    """Damage a file of a copy by each seed; return what goes wrong where it is read, resumed and reported."""
    answers, kept = {}, copied(trained, folder / "kept")
    for seed in seeds:
        draw = draw_of(seed)
        call = report if seed % 25 == 1 else go_on if seed % 10 == 2 else read
        run = kept if call is read else copied(shown if call is report else trained, folder / "run")
        files = sorted(path for path in run.rglob("*") if path.is_file())
        if call is not report:
            files = [path for path in files if path.suffix in {".json", ".yaml", ".safetensors", ".pt", ""}]
        path = draw.choice(files)
        before = path.read_bytes()
        damaged(path, draw)
        answers[f"{seed} {path.relative_to(run)}"] = outcome(lambda call=call, run=run: call(run))
        if run != kept:
            shutil.rmtree(run)
        else:
            mend(path, before)
    return {place: answer for place, answer in answers.items() if answer}


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_two_hundred_damaged_runs(tiny, shown, tmp_path, first):
    assert wrong(range(first, first + 50), tiny / "run", shown, tmp_path) == {}


@pytest.mark.slow
def test_five_hundred_damaged_runs(tiny, shown, tmp_path):
    assert wrong(range(200, 700), tiny / "run", shown, tmp_path) == {}


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize(
    "text", ["", "[", "null", "3", '{"train": 5}', '["A", 3]', "\udcff", '{"overall": {"CT": [1]}}']
)
def test_a_record_of_another_shape_is_named(tmp_path, name, text):
    (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(RunError, match=name) as caught:
        RunFolder(tmp_path).read(name)
    assert "restore it, or train anew" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_windows_with_a_slope_outside_are_read(tmp_path):
    windows = {"overall": {"CT": [0.0, 80.0, 0.02], "T1w": [0.0, 900.0]}, "datasets": {"A": {"CT": [0.0, 80.0, 0.02]}}}
    run = RunFolder(tmp_path)
    run.write("windows.json", windows)
    assert run.read("windows.json") == windows
    run.write("windows.json", {"overall": {"CT": [0.0, 80.0, 0.02, 1.0]}, "datasets": {}})
    with pytest.raises(RunError, match=r"overall\.CT: List should have at most 3 items"):
        run.read("windows.json")


def test_a_state_that_is_text(tiny, tmp_path):
    run = shutil.copytree(tiny / "run", tmp_path / "run")
    [state] = (run / "checkpoints").glob("*/state.pt")
    for text in ("text", "", "PK\x03\x04"):
        state.write_text(text)
        with pytest.raises(RunError, match="cannot be read") as caught:
            go_on(run)
        assert str(state.parent) in str(caught.value)


def test_a_recipe_that_names_larger_networks_than_the_weights_takes_no_memory(tiny, tmp_path):
    run = shutil.copytree(tiny / "run", tmp_path / "run")
    recipe = RunFolder(run).recipe

    tree = yaml.safe_load(recipe.read_text())
    for width, said in ((10_000, r"weights\.safetensors does not fit"), (40_000, r"recipe\.yaml: has more than")):
        tree["parts"]["synthesizer"]["encoder"]["widths"] = [width, width]
        recipe.write_text(yaml.safe_dump(tree))
        with pytest.raises(RunError, match=said):
            read(run)
