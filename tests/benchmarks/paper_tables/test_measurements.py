"""What is measured of a model becomes a row for each case, by task and by what answered."""

from types import SimpleNamespace

import pandas as pd
import pytest
from paper_tables import measurements as measures
from paper_tables.measurements import measured

from anysyn.evaluation.errors import EvaluationError
from anysyn.progress import Progress

ASKED = {"data": None, "where": {}}


@pytest.fixture
def answering(monkeypatch, tmp_path):
    """Return a function that measures where an evaluation finds what is given."""

    def answer(name, tables, **question):
        findings = SimpleNamespace(failures=(), tables=tables)
        monkeypatch.setattr(measures, "probe", lambda probe, *_, **__: {name: findings}[probe])
        return measured(None, {**ASKED, **question}, tmp_path, Progress()).cases

    return answer


def test_cosines_of_two_modalities_are_a_task_and_encoders_answer(answering):
    rows = [("random", "T1w", "T1w", float("nan")), ("random", "T1w", "T2w", 0.5), ("trained", "T1w", "T2w", 0.9)]
    cosines = pd.DataFrame(rows, columns=["encoder", "first", "second", "same_slice"])
    cases = answering("embeddings", {"cosines": cosines}, measure="embeddings")
    assert cases[["task", "method", "cosine"]].values.tolist() == [
        ["T1w:T2w", "random", 0.5],
        ["T1w:T2w", "trained", 0.9],
    ]


def test_accuracies_are_percent_of_the_texts_and_of_the_slices_of_a_subject(answering):
    texts = pd.DataFrame({"modality": ["T1w", "T2w"], "found": ["T1w", "T1w"]})
    slices = pd.DataFrame(
        {"subject": ["a", "a", "a", "b"], "dataset": "A", "modality": "T1w", "found": ["T1w", "T2w", "T1w", "T1w"]}
    )
    cases = answering("modality_accuracy", {"texts": texts, "slices": slices}, measure="alignment")
    found = {(row["task"], row["subject"]): row["accuracy"] for row in cases.to_dict("records")}
    assert found == {
        ("text", "T1w"): 100,
        ("text", "T2w"): 0,
        ("image", "a"): pytest.approx(200 / 3),
        ("image", "b"): 100,
    }


def outlined(missing, method, sources, region, dice):
    about = {"task": "glioma", "subject": "a", "dataset": "A", "missing": missing, "method": method, "sources": sources}
    return {**about, "region": region, "dice": dice, "agreement": dice / 2}


def test_outlines_are_tasks_by_what_is_missing(answering):
    rows = pd.DataFrame(
        [
            outlined("none", "all real", "", "rim", 0.9),
            outlined("none", "all real", "", "core", 0.8),
            outlined("T1w", "absent", "", "rim", 0.1),
            outlined("T1w", "absent, retrained", "", "rim", 0.5),
            outlined("T1w", "synthesized", "T2w", "rim", 0.6),
            outlined("T1w", "synthesized", "T1c", "rim", 0.8),
            outlined("T2w", "absent", "", "rim", 0.2),
        ]
    )
    question = {"measure": "segment", "steps": 1, "retrain": True, "where": {"region": "rim"}}
    cases = answering("lesion_segmentation", {"cases": rows}, **question)
    found = {(row["task"], row["method"]): row["dice"] for row in cases.to_dict("records")}
    assert found == {
        ("T1w", "all real"): 0.9,
        ("T2w", "all real"): 0.9,
        ("T1w", "absent"): 0.1,
        ("T1w", "absent, retrained"): 0.5,
        ("T1w", "synthesized"): pytest.approx(0.7),
        ("T1w", "synthesized from T2w"): 0.6,
        ("T1w", "synthesized from T1c"): 0.8,
        ("T2w", "absent"): 0.2,
    }


def case(subject, sources, target, psnr, method="model"):
    about = {"subject": subject, "dataset": "A", "method": method, "protocol": "p", "digest": "d"}
    return {**about, "sources": sources, "target": target, "psnr": psnr}


class Corrupted:
    """Answer as `anysyn.evaluation.cases.Cases`, with what the corruption says."""

    def __init__(self, *, corruption, **_):
        worse = 0 if corruption is None else corruption.level
        self.rows = [case("a", "T1w", "T2w", 30 - worse), case("a", "T2w", "T1w", 20 - worse)]
        shown = {"subject": "a", "dataset": "A", "modality": "T1w", "protocol": "p", "digest": "d"}
        self.inputs = [] if corruption is None else [{**shown, "psnr": 40.0, "input_psnr": 39.0}]
        self.failures = []

    def add(self, *_):
        pass


def test_corruptions_are_tasks_over_their_pairs_beside_the_inputs(monkeypatch, tmp_path):
    monkeypatch.setattr(measures, "Cases", Corrupted)
    run = SimpleNamespace(subjects=lambda *_: ([], ()), recipe=SimpleNamespace(modalities=("T1w", "T2w")))
    tasks = [
        {"name": "clean", "pairs": ["T1w:T2w", "T2w:T1w"], "corruption": None},
        {"name": "noise", "pairs": ["T1w:T2w", "T2w:T1w"], "corruption": "gaussian=2"},
        {"name": "one", "pairs": ["T1w:T2w"], "corruption": "gaussian=2"},
    ]
    question = {**ASKED, "measure": "pairs", "protocol": "anysyn", "simple": False, "examples": 0, "tasks": tasks}
    cases = measured(run, question, tmp_path, Progress()).cases
    found = {(row["task"], row["method"]): row["psnr"] for row in cases.to_dict("records")}
    assert found == {
        ("clean", "model"): 25.0,
        ("noise", "model"): 23.0,
        ("noise", "input"): 40.0,
        ("one", "model"): 28.0,
        ("one", "input"): 40.0,
    }


def test_subjects_are_taken_for_the_dataset_that_a_method_names(monkeypatch, tmp_path):
    monkeypatch.setattr(measures, "Cases", Corrupted)
    mean = SimpleNamespace(subjects=lambda *_: ([], ()), recipe=SimpleNamespace(modalities=("T1w", "T2w")))
    run = SimpleNamespace(treat_as={"mean": mean}.__getitem__)  # has no subjects of its own
    tasks = [{"name": "clean", "pairs": ["T1w:T2w"], "corruption": None}]
    question = {**ASKED, "measure": "pairs", "protocol": "anysyn", "simple": False, "examples": 0, "tasks": tasks}
    assert len(measured(run, {**question, "dataset": "mean"}, tmp_path, Progress()).cases) == 1


def test_a_set_without_any_case_is_an_error(answering):
    cosines = pd.DataFrame([("random", "T1w", "T2w", 0.5)], columns=["encoder", "first", "second", "same_slice"])
    with pytest.raises(EvaluationError, match="no case with dataset B was measured"):
        answering("embeddings", {"cosines": cosines}, measure="embeddings", where={"dataset": "B"})
