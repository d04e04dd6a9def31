"""Parts of the split that nobody is in are said when a training begins, and what follows from it."""

import pytest
from toys import TINY, write_cohort

import anysyn
from anysyn.errors import UserError

USUAL = "data.split={train: 0.7, validation: 0.1, test: 0.2}"
KEPT = ["stages.0.epochs=1", "stages.0.ema=null"]


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path / "tiny.yaml"


def test_too_few_people_for_a_part_are_said_and_what_is_asked_of_it_later_names_the_cause(recipe, tmp_path):
    cohort = write_cohort(tmp_path / "cohort", subjects=2)
    overrides = [f"data.root={cohort}", USUAL, *KEPT]
    with pytest.warns(
        UserWarning, match="note: no validation subject, 2 people being too few for data.split.validation"
    ):
        anysyn.train(recipe, out=tmp_path / "run", overrides=overrides, accelerator="cpu")
    assert not (tmp_path / "run" / "validation.csv").exists()
    with pytest.raises(UserError, match=r"no validation subject, since .*--split all \(data='FOLDER', split='all'\)$"):
        anysyn.calibrate(tmp_path / "run", accelerator="cpu")


def test_a_bar_says_it_and_a_part_that_was_not_wanted_is_not_missed(recipe, tmp_path, capsys, recwarn):
    cohort = write_cohort(tmp_path / "cohort", subjects=2)
    split = "data.split={train: [sub-00], validation: [sub-01], test: 0.0}"
    shown = {"accelerator": "cpu", "progress": True}
    anysyn.train(recipe, out=tmp_path / "run", overrides=[f"data.root={cohort}", split, *KEPT], **shown)
    said = capsys.readouterr().out
    assert "no test subject" not in said
    assert "no validation subject" not in said
    assert "synthesis 1/1: " in said
    anysyn.train(recipe, out=tmp_path / "two", overrides=[f"data.root={cohort}", USUAL, *KEPT], **shown)
    assert "no validation subject" in capsys.readouterr().out
    assert not [one for one in recwarn if "validation subject" in str(one.message)]


def test_a_split_that_leaves_nobody_to_train_on_says_so(recipe, tmp_path):
    cohort = write_cohort(tmp_path / "cohort", subjects=1)
    with pytest.raises(
        UserError, match="nobody to train on has two of T1w, T2w, FLAIR: 1 such subject is in test; write who"
    ):
        anysyn.train(
            recipe,
            out=tmp_path / "run",
            overrides=[f"data.root={cohort}", "data.split={train: 0.0, validation: 0.0, test: 1.0}"],
        )
