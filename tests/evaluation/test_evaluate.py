"""The whole evaluation, of a run whose answers are known."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from anysyn.data.errors import VolumeError
from anysyn.data.inventory.inventory import Inventory
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.data.volumes.study import Study
from anysyn.errors import UserError
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.evaluate import evaluate
from anysyn.evaluation.examples import read_example
from anysyn.evaluation.metrics.measure import measure
from anysyn.evaluation.metrics.protocol import protocol
from anysyn.evaluation.tables.cases_table import ALL_PAIRS, read_cases
from anysyn.files import locked, write_manifest
from anysyn.progress import Progress
from anysyn.training.run_folder.folder import RunFolder

NAMES = ("T1w", "T2w", "FLAIR")
SHAPE = (14, 13, 12)


def study(key, names=NAMES):
    generator = torch.Generator().manual_seed(int(key[-2:]))
    foreground = torch.zeros(SHAPE, dtype=torch.bool)
    foreground[1:-1, 1:-1, 1:-1] = True
    t1 = torch.rand(SHAPE, generator=generator)
    noise = 0.1 * torch.rand(SHAPE, generator=generator)
    images = {"T1w": t1, "T2w": (1 - t1) * 0.9 + noise, "FLAIR": t1**2 + noise}
    return Study(key, "made", {name: images[name] * foreground for name in names}, np.diag([1, 1, 2, 1.0]), foreground)


class FakeRun:
    """Predict the truth with a little noise, and keep account of what is asked."""

    def __init__(self, folder, held=None):
        self.recipe = SimpleNamespace(modalities=NAMES)
        self.folder = RunFolder(Path(folder))
        self.held = held or {
            "train": dict.fromkeys(("a-01", "a-02"), NAMES),
            "test": dict.fromkeys(("b-03", "b-04"), NAMES),
        }
        self.broken, self.unread, self.prepared, self.asked = set(), (), [], []

    def inventory(self, root=None, split="test", modalities=NAMES, bids=None):
        if root == "nowhere" or split not in self.held:
            raise UserError(f"no split {split!r} in {root}")
        images = {
            key: {name: Path(f"{key}_{name}.nii.gz") for name in names} for key, names in self.held[split].items()
        }
        found = [Subject(key=k, dataset="made", images=i, acquisitions={}, masks={}) for k, i in images.items()]
        found = FoundSubjects(tuple(found), self.unread if split == "test" else ())
        return Inventory(root=Path("made"), found=found, needed=tuple(modalities))

    def prepare(self, subject):
        self.prepared.append(subject.key)
        if subject.key in self.broken:
            raise VolumeError(f"{subject.key}_T1w.nii.gz: the file is cut off; copy it again")
        return study(subject.key, tuple(subject.images))

    def predict(self, one, sources, targets, batch):
        self.asked.append((one.key, tuple(sources), tuple(targets), batch))
        noise = 0.02 * torch.randn(SHAPE, generator=torch.Generator().manual_seed(7))
        truth = study(one.key)
        return {name: truth.images[name] + noise for name in targets}


@pytest.fixture
def run(tmp_path):
    return FakeRun(tmp_path / "run")


def test_everything_is_written_and_right(run, tmp_path):
    result = evaluate(run, out=tmp_path / "out", pairs="T1w:T2w,T1w:FLAIR,T1w+T2w:FLAIR", batch=5, examples=1)
    assert not result.failures
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "cases.csv", "examples", "manifest.json", "margins.csv", "protocol.json", "statistics.csv",
        "subjects-left-out.csv", "subjects.csv", "table.csv", "table.md", "table.tex"
    ]  # fmt: skip
    cases = read_cases(tmp_path / "out" / "cases.csv")
    assert len(cases) == 2 * 3 * 3  # subjects, pairs, methods
    assert set(cases["method"]) == {"model", "source copied", "intensity regression"}
    row = cases[(cases["subject"] == "b-03") & (cases["target"] == "T2w")].set_index("method")
    truth = study("b-03")
    for method, image in {
        "model": run.predict(truth, ["T1w"], ["T2w"], 1)["T2w"],
        "source copied": truth.images["T1w"],
    }.items():
        wanted = measure(image, truth.images["T2w"], truth.foreground, protocol("anysyn"))
        assert row.loc[method, list(wanted)].to_dict() == pytest.approx(wanted)
    assert row["psnr"].idxmin() == "source copied"  # T2w is T1w turned round
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert len(table) == 4 * 3
    overall = table[(table["pair"] == ALL_PAIRS) & (table["method"] == "model")].iloc[0]
    assert overall["psnr"] == pytest.approx(cases.loc[cases["method"] == "model", "psnr"].mean())
    margins = pd.read_csv(tmp_path / "out" / "margins.csv").set_index(["pair", "baseline"])
    wanted = row.loc["model", "psnr"] - row.loc["source copied", "psnr"]
    others = cases[(cases["subject"] == "b-04") & (cases["target"] == "T2w")].set_index("method")
    wanted += others.loc["model", "psnr"] - others.loc["source copied", "psnr"]
    assert margins.loc[("T1w:T2w", "source copied"), "psnr"] == pytest.approx(wanted / 2)
    assert protocol("anysyn").digest in (tmp_path / "out" / "table.md").read_text()
    assert protocol("anysyn").digest in (tmp_path / "out" / "table.tex").read_text()
    assert result.lines()[-1] == f"all of it: {tmp_path / 'out'}"
    assert (tmp_path / "out" / "table.md").read_text() == result.markdown()


def test_targets_of_the_same_sources_are_asked_for_at_once(run, tmp_path):
    evaluate(run, out=tmp_path / "out", pairs="T1w:T2w,T2w:T1w,T1w:FLAIR", batch=5)
    assert run.asked[:2] == [("b-03", ("T1w",), ("T2w", "FLAIR"), 5), ("b-03", ("T2w",), ("T1w",), 5)]
    assert len(run.asked) == 4


def test_the_record_says_what_the_numbers_rest_on(run, tmp_path):
    evaluate(run, out=tmp_path / "out", data="cohort", protocol="slices", seed=3)
    record = json.loads((tmp_path / "out" / "protocol.json").read_text())
    assert record["digest"] == protocol("slices").digest
    assert record["protocol"]["percentiles"] == [0.0, 99.5]
    assert (record["data"], record["split"], record["seed"]) == ("cohort", "test", 3)
    assert record["run"] == str(run.folder.path)
    assert record["baselines"]["subjects"] == 2
    assert {"torch", "scikit-learn", "anysyn"} <= record["versions"].keys()
    assert record["failures"] == []


def test_examples_hold_planes_of_every_image(run, tmp_path):
    evaluate(run, out=tmp_path / "out", pairs="T1w+T2w:FLAIR,T1w:T2w", examples=1)
    files = sorted((tmp_path / "out" / "examples").iterdir())
    assert [path.name for path in files] == ["T1w+T2w_FLAIR_0_b-03.npz", "T1w_T2w_0_b-03.npz"]
    held = read_example(files[0])
    assert (held.subject, held.target, held.spacing) == ("b-03", "FLAIR", (1.0, 1.0, 2.0))
    assert list(held.sources) == ["T1w", "T2w"]
    assert list(held.predictions) == ["model", "source copied", "intensity regression"]
    assert held.truth[2].shape == SHAPE[:2]
    assert held.values["model"]["psnr"] > held.values["source copied"]["psnr"]
    assert files[0].stat().st_size < 20_000


def test_a_missing_contrast_skips_the_pair_and_is_counted(run, tmp_path):
    run.held["test"]["b-04"] = ("T1w", "T2w")
    result = evaluate(run, out=tmp_path / "out")
    assert result.skipped == {
        "T1w:T2w": 0, "T1w:FLAIR": 1, "T2w:T1w": 0, "T2w:FLAIR": 1, "FLAIR:T1w": 1, "FLAIR:T2w": 1
    }  # fmt: skip
    assert not result.failures
    assert "T1w:FLAIR: 1 subject lacks a contrast and is skipped" in (tmp_path / "out" / "table.md").read_text()
    assert set(result.cases[result.cases["target"] == "FLAIR"]["subject"]) == {"b-03"}


def test_a_broken_subject_is_listed_and_the_others_finish(run, tmp_path):
    run.broken = {"b-03", "a-01"}
    run.unread = (Failure("b-09", None, "no image was found"),)
    result = evaluate(run, out=tmp_path / "out", pairs="T1w:T2w")
    assert [failure.key for failure in result.failures] == ["b-09", "a-01", "b-03"]
    assert "cut off; copy it again" in result.failures[2].reason
    assert set(result.cases["subject"]) == {"b-04"}
    record = json.loads((tmp_path / "out" / "protocol.json").read_text())
    assert record["failures"][0] == {"subject": "b-09", "reason": "no image was found"}
    assert "3 failures" in (tmp_path / "out" / "table.md").read_text()


def test_a_prediction_that_cannot_be_compared_costs_its_pair_only(run, tmp_path):
    whole = run.predict

    def spoilt(one, sources, targets, batch):
        found = whole(one, sources, targets, batch)
        return {name: image * math.nan if name == "FLAIR" else image for name, image in found.items()}

    run.predict = spoilt
    result = evaluate(run, out=tmp_path / "out", pairs="T1w:T2w,T1w:FLAIR")
    assert set(result.cases["target"]) == {"T2w"}
    assert {failure.reason for failure in result.failures} == {
        "T1w:FLAIR: the prediction holds voxels that are not finite"
    }


def test_nothing_left_to_evaluate_is_an_error_and_leaves_no_results(run, tmp_path):
    run.broken = {"b-03", "b-04"}
    with pytest.raises(EvaluationError, match=r"no case could be evaluated; the first of 2 failures: b-03: .*cut off"):
        evaluate(run, out=tmp_path / "out")
    run.broken = set()
    evaluate(run, out=tmp_path / "out", pairs="T1w:T2w")


def test_subjects_without_the_contrasts_are_an_error_before_any_work(run, tmp_path):
    run.held["test"] = dict.fromkeys(("b-03", "b-04"), ("T1w",))
    with pytest.raises(EvaluationError, match=r"has the contrasts of T1w:T2w; they have T1w"):
        evaluate(run, out=tmp_path / "out", pairs="T1w:T2w")
    assert not run.prepared
    assert not (tmp_path / "out").exists()


def test_an_empty_split_is_an_error(run, tmp_path):
    run.held["test"] = {}
    with pytest.raises(EvaluationError, match="no subject in split 'test' of the data of the training"):
        evaluate(run, out=tmp_path / "out")
    run.unread = (Failure("b-09", None, "no image was found"),)
    with pytest.raises(EvaluationError, match=r"1 could not be read; the first, b-09: no image was found"):
        evaluate(run, out=tmp_path / "out")


def test_without_training_subjects_the_table_says_so(run, tmp_path):
    result = evaluate(run, out=tmp_path / "out", training="nowhere", pairs="T1w:T2w,T1w+T2w:FLAIR")
    held = set(zip(result.cases["method"], result.cases["sources"], strict=True))
    assert held == {("model", "T1w"), ("source copied", "T1w"), ("model", "T1w+T2w")}
    text = (tmp_path / "out" / "table.md").read_text()
    assert "The training subjects were not found (no split 'train' in nowhere)." in text
    assert "No intensity regression for T1w:T2w, T1w+T2w:FLAIR" in text
    assert "No source copied for T1w+T2w:FLAIR" in text


def test_results_are_not_overwritten_unless_asked(run, tmp_path):
    evaluate(run, out=tmp_path / "out", pairs="T1w:T2w,T2w:T1w")
    before = (tmp_path / "out" / "cases.csv").read_text()
    prepared = len(run.prepared)
    with pytest.raises(EvaluationError, match=r"is not empty; choose another --out or allow it with --overwrite"):
        evaluate(run, out=tmp_path / "out", pairs="T1w:FLAIR")
    assert (tmp_path / "out" / "cases.csv").read_text() == before
    assert len(run.prepared) == prepared
    evaluate(run, out=tmp_path / "out", pairs="T1w:FLAIR", overwrite=True)
    assert set(read_cases(tmp_path / "out" / "cases.csv")["target"]) == {"FLAIR"}
    assert all("FLAIR" in path.name for path in (tmp_path / "out" / "examples").iterdir())


@pytest.mark.parametrize("name", ["examples/mine.npz", "notes.txt", "figures/a.png"])
def test_a_file_of_somebody_else_keeps_all_results(run, tmp_path, name):
    out = tmp_path / "out"
    evaluate(run, out=out, pairs="T1w:T2w")
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text("mine")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(EvaluationError, match=f"holds {name}, which no evaluation wrote"):
        evaluate(run, out=out, pairs="T1w:FLAIR", overwrite=True)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_results_in_a_folder_of_others_are_refused(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cases.csv").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(EvaluationError, match=r"is not empty|which no evaluation wrote"):
            evaluate(run, out=tmp_path / "out", pairs="T1w:T2w", overwrite=overwrite)
    assert (tmp_path / "out" / "cases.csv").read_text() == "mine"


def test_an_evaluation_that_stops_leaves_the_earlier_one(run, tmp_path, monkeypatch):
    out = tmp_path / "out"
    evaluate(run, out=out, pairs="T1w:T2w")
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    monkeypatch.setattr("anysyn.evaluation.evaluate.results_of", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        evaluate(run, out=out, pairs="T1w:FLAIR", overwrite=True)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_two_evaluations_never_write_into_one_folder(run, tmp_path):
    with locked(tmp_path / "out", "anysyn evaluate"), pytest.raises(UserError, match="locked by process"):
        evaluate(run, out=tmp_path / "out", pairs="T1w:T2w")


def test_findings_of_probes_stay(run, tmp_path):
    evaluate(run, out=tmp_path / "out", pairs="T1w:T2w")
    write_manifest(tmp_path / "out" / "content", "anysyn probe", ["record.json"])
    (tmp_path / "out" / "content" / "record.json").write_text("{}")
    evaluate(run, out=tmp_path / "out", pairs="T1w:FLAIR", overwrite=True)
    assert (tmp_path / "out" / "content" / "record.json").is_file()


def test_a_file_in_the_place_of_the_folder_is_an_error(run, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(EvaluationError, match="is a file"):
        evaluate(run, out=tmp_path / "out", overwrite=True)
    assert (tmp_path / "out").read_text() == "mine"


def test_results_go_into_the_run_folder_by_default(run):
    assert evaluate(run, pairs="T1w:T2w").folder == run.folder.path / "evaluation"


def test_results_of_a_run_that_cannot_be_written_are_whole(run, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", str(run.folder.path / "evaluation.json"))

    monkeypatch.setattr(run.folder, "write", refuse)

    class Noted(Progress):
        lines = ()

        def say(self, line):
            self.lines += (line,)

    progress = Noted()
    assert len(evaluate(run, pairs="T1w:T2w", out=tmp_path / "mine", progress=progress).cases)
    assert any("cannot be written, so the report needs --results" in line for line in progress.lines)


def test_the_same_seed_gives_the_same_bytes(run, tmp_path):
    for name in ("a", "b"):
        evaluate(run, out=tmp_path / name, pairs="T1w:T2w,T1w+T2w:FLAIR")
    for name in ("cases.csv", "table.csv", "table.tex"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_mistakes_come_before_any_work(run, tmp_path):
    with pytest.raises(UserError, match="did you mean 'slices'"):
        evaluate(run, out=tmp_path / "out", protocol="slice")
    with pytest.raises(EvaluationError, match="did you mean 'FLAIR'"):
        evaluate(run, out=tmp_path / "out", pairs="T1w:FLAR")
    assert not run.prepared


def test_progress_is_shown(run, tmp_path):
    class Seen(Progress):
        titles = ()

        def task(self, title, total, done=0):
            self.titles += ((title, total),)
            return super().task(title, total, done)

    seen = Seen()
    evaluate(run, out=tmp_path / "out", pairs="T1w:T2w", progress=seen)
    assert seen.titles == (("reading training subjects", 2), ("fitting the baselines", 1), ("evaluating", 2))
