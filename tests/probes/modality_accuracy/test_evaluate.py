"""The whole measurement of an image-text model, on a cohort that is made here."""

import pandas as pd
import pytest
import torch
from learned_runs import cut_off, record_of, write_learned_run
from test_cli import call
from toys import write_cohort

from anysyn.clip import classify
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.ask import probe
from anysyn.probes.study_batches import full_tiles
from anysyn.reporting import report
from anysyn.synthesis.loaded_run import load_run, networks

NAMES = ("T1w", "T2w", "FLAIR")


@pytest.fixture
def run(tmp_path):
    cohort = write_cohort(tmp_path / "cohort", shape=(12, 14, 6))
    return load_run(write_learned_run(tmp_path / "run", cohort).path, accelerator="cpu")


def test_everything_is_written_and_right(run):
    result = probe("modality_accuracy", run, batch=4)
    folder = run.folder.path / "evaluation" / "modality_accuracy"
    assert sorted(path.name for path in folder.iterdir()) == [
        "accuracy.csv", "losses.csv", "manifest.json", "record.json", "slices.csv", "summary.md", "texts.csv"
    ]  # fmt: skip
    clip = networks(run.folder, run.recipe, only=["clip"])["clip"].eval()
    slices = pd.read_csv(folder / "slices.csv")
    right = []
    for subject in run.subjects()[0]:
        study = run.prepare(subject)
        boxes = full_tiles(study, run.view)
        for number, name in enumerate(NAMES):
            images = torch.stack([run.view.take(study.images[name][None], box) for box in boxes])  # (B, 1, H, W)
            with torch.no_grad():
                likely = classify(clip, images)
            rows = slices[(slices["subject"] == study.key) & (slices["modality"] == name)]
            assert rows["probability of T2w"].tolist() == pytest.approx(likely[:, 1].tolist(), abs=1e-5)
            right += (likely.argmax(1) == number).tolist()
    assert len(right) == len(slices)
    accuracy = pd.read_csv(folder / "accuracy.csv").set_index(["of", "dataset", "modality"])["accuracy"]
    assert accuracy[("image", "all", "all")] == pytest.approx(sum(right) / len(right))
    assert len(pd.read_csv(folder / "texts.csv")) == 3
    assert len(pd.read_csv(folder / "losses.csv")) == 3 * 2 + 1
    assert record_of(folder)["model"] == "clip"
    assert any(line.startswith("text") for line in result.lines())


def test_the_loss_and_the_accuracy_agree_on_every_slice(run):
    rows = probe("modality_accuracy", run).tables["slices"]
    cheapest = rows[[f"loss given {name}" for name in NAMES]].idxmin(axis=1).str.removeprefix("loss given ")
    assert cheapest.tolist() == rows["found"].tolist()


def test_a_run_without_an_image_text_model_says_what_to_do(tmp_path):
    cohort = write_cohort(tmp_path / "cohort", shape=(12, 14, 6))
    bare = load_run(write_learned_run(tmp_path / "bare", cohort, clip=False).path, accelerator="cpu")
    with pytest.raises(EvaluationError, match=r"no image-text model among its parts \(synthesizer\).*\{name: clip\}"):
        probe("modality_accuracy", bare)


def test_a_damaged_subject_costs_itself_alone(run, tmp_path):
    cut_off(tmp_path / "cohort" / "sub-02" / "T1w.nii.gz")
    result = probe("modality_accuracy", run)
    assert [failure.key for failure in result.failures] == ["sub-02"]
    assert set(result.tables["slices"]["subject"]) == {"sub-03"}


def test_processes_side_by_side_measure_the_same(run, tmp_path):
    alone, together = (probe("modality_accuracy", run, jobs=jobs, out=tmp_path / str(jobs)) for jobs in (1, 2))
    for name, table in alone.tables.items():
        pd.testing.assert_frame_equal(table, together.tables[name])


def test_the_command_then_the_report(run):
    result = call("probe", "modality_accuracy", run.folder.path)
    assert result.exit_code == 0, result.output
    assert "wrong is higher" in result.stdout
    assert 'id="modality_accuracy"' in report(run.folder.path).read_text()
