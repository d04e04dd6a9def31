"""Cross-validation of a recipe on a small cohort: everyone is left out once, nothing is done twice."""

from __future__ import annotations

import json

import leave_out
import pandas as pd
import pytest
from cross_validation import one_fold
from toys import TINY, write_cohort
from typer.testing import CliRunner


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("leave_out")
    write_cohort(folder / "cohort", subjects=5, shape=(14, 16, 12))
    (folder / "tiny.yaml").write_text(TINY)
    return folder


@pytest.fixture(scope="module")
def invoke(place):
    def invoked(*words, out="out", folds=2):
        where = ["--data", str(place / "cohort"), "--out", str(place / out), "--folds", str(folds)]
        how = ["--pairs", "T1w:T2w", "--accelerator", "cpu", "stages.0.epochs=1"]
        return CliRunner().invoke(leave_out.app, [str(place / "tiny.yaml"), *where, *how, *words])

    return invoked


@pytest.fixture(scope="module")
def answer(invoke):
    return invoke("--protocols", "anysyn,slices")


def test_everyone_is_left_out_once(place, answer):
    assert answer.exit_code == 0, answer.output
    for name in ("anysyn", "slices"):
        cases = pd.read_csv(place / "out" / f"{name}-cases.csv")
        model = cases[cases["method"] == "model"]
        assert sorted(model["subject"]) == [f"sub-{n:02d}" for n in range(5)]
        assert {"source copied", "intensity regression"} <= set(cases["method"])
        assert "5 of 5 subjects" in (place / "out" / f"{name}-table.md").read_text()


def test_nobody_trains_who_is_measured(place, answer):
    for run in ("fold-1", "fold-2"):
        split = json.loads((place / "out" / run / "split.json").read_text())
        measured = set(pd.read_csv(place / "out" / run / "evaluation-anysyn" / "cases.csv")["subject"])
        assert measured == set(split["test"])
        assert not measured & {*split["train"], *split["validation"]}
        assert len(split["validation"]) == 1


def test_a_second_call_does_nothing_twice(place, invoke, answer, monkeypatch):
    def never(*_, **__):
        raise AssertionError("was done before")

    monkeypatch.setattr(one_fold.fit, "train", never)
    monkeypatch.setattr(one_fold.fit, "resume", never)
    monkeypatch.setattr(one_fold, "evaluate", never)
    before = (place / "out" / "anysyn-table.md").read_bytes()
    again = invoke("--protocols", "anysyn,slices")
    assert again.exit_code == 0, again.output
    assert (place / "out" / "anysyn-table.md").read_bytes() == before


def test_a_call_that_was_stopped_goes_on(place, invoke, answer, monkeypatch):
    trained = []

    def stopped(recipe, *, out, **how):
        if trained:
            raise KeyboardInterrupt
        trained.append(out)
        return train(recipe, out=out, **how)

    train = one_fold.fit.train
    with monkeypatch.context() as patch:
        patch.setattr(one_fold.fit, "train", stopped)
        assert invoke(out="half").exit_code != 0
    assert "3 of 5 subjects" in (place / "half" / "anysyn-table.md").read_text()
    assert invoke(out="half").exit_code == 0
    whole = pd.read_csv(place / "out" / "anysyn-cases.csv")
    assert pd.read_csv(place / "half" / "anysyn-cases.csv").equals(whole)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--validation", "0"), "it was begun with other folds"),
        (("--protocols", "anysin"), "no protocol named 'anysin'"),
        (("--validation", "3"), "--validation 3: choose a number from 0 to 1"),
    ],
)
def test_mistakes_are_one_line(invoke, answer, words, message):
    refused = invoke(*words)
    assert refused.exit_code == 1
    assert message in refused.output
    assert len(refused.output.splitlines()) == 1


def test_more_folds_than_people(invoke):
    refused = invoke(folds=6)
    assert refused.exit_code == 1
    assert "--folds 6: there are 5 people; choose a number from 2 to 5" in refused.output
