"""The whole measurement, from a run to its tables, its page and the command line."""

import pandas as pd
import pytest
from learned_runs import cut_off, record_of, write_learned_run
from test_cli import call
from text_runs import train_text_run
from toys import write_cohort

from anysyn import build
from anysyn.data.views import Slices, Whole
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.ask import probe
from anysyn.probes.prompt_retrieval.evaluate import view_of
from anysyn.reporting import report
from anysyn.synthesis.loaded_run import load_run


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("retrieval")
    train_text_run(folder)
    return folder


def test_everything_is_written_and_agrees(place):
    result = probe("prompt_retrieval", place / "run", split="all", out=place / "all", accelerator="cpu")
    folder = place / "all" / "prompt_retrieval"
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["accuracy.csv", "images.csv", "manifest.json", "record.json", "summary.md"]
    images, accuracy = pd.read_csv(folder / "images.csv"), pd.read_csv(folder / "accuracy.csv")
    assert len(images) == 12  # four subjects with three images each
    assert images["prompt"].nunique() == 12
    assert images["rank"].between(1, 12).all()
    whole = accuracy[(accuracy["dataset"] == "all") & (accuracy["modality"] == "all")].set_index("of")
    assert whole.loc["text", "accuracy"] == pytest.approx(images["of_ten"].mean())
    assert whole.loc["modality", "accuracy"] == pytest.approx((images["found"] == images["modality"]).mean())
    assert (whole.loc["text", "chance"], whole.loc["modality", "chance"]) == (0.1, pytest.approx(1 / 3))
    record = record_of(folder)
    assert (record["model"], record["split"], record["failures"]) == ("clip", "all", [])
    assert any("Prompts that differ: 12; candidates for an image: 10." in line for line in result.lines())


def test_images_are_seen_by_the_view_of_the_stage_that_pairs_them(place):
    recipe = build.load(place / "run" / "recipe.yaml")
    assert isinstance(view_of(recipe), Whole)
    shared = build.load(place / "run" / "recipe.yaml", ["stages.0.epochs=0"])
    assert isinstance(view_of(shared), Whole)
    assert isinstance(view_of(build.load("small/label")), Slices)


def test_the_command_in_two_processes_and_the_page(place):
    result = call("probe", "prompt_retrieval", place / "run", "--jobs", 2, "--split", "all", "--accelerator", "cpu")
    assert result.exit_code == 0, result.output
    assert "candidates for an image" in result.stdout
    alone = probe("prompt_retrieval", place / "run", split="all", out=place / "one", accelerator="cpu")
    together = pd.read_csv(place / "run" / "evaluation" / "prompt_retrieval" / "images.csv")
    pd.testing.assert_frame_equal(together, alone.tables["images"], rtol=1e-4)
    text = report(place / "run").read_text()
    assert 'href="#prompt_retrieval"' in text
    assert "Found: prompt among ten" in text
    assert "chance" in text.split('id="prompt_retrieval"')[1].split("</section>")[0]


def test_a_damaged_subject_costs_itself_alone(tmp_path):
    train_text_run(tmp_path)
    run = load_run(tmp_path / "run", accelerator="cpu")
    [subject] = run.subjects(None, "test")[0][:1]
    cut_off(subject.images["T1w"])
    result = probe("prompt_retrieval", run, split="all")
    assert [failure.key for failure in result.failures] == [subject.key]
    assert subject.key not in set(result.tables["images"]["subject"])


def test_a_run_without_an_image_text_model_says_what_to_do(tmp_path):
    cohort = write_cohort(tmp_path / "cohort", shape=(12, 14, 6))
    bare = load_run(write_learned_run(tmp_path / "bare", cohort, clip=False).path, accelerator="cpu")
    with pytest.raises(EvaluationError, match="no image-text model among its parts"):
        probe("prompt_retrieval", bare)
