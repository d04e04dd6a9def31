"""Parts of the split that nobody is in are said when a training begins, and what follows from it."""

import pytest
from toys import TINY, write_cohort

import anysyn
from anysyn.errors import UserError

KEPT = ["stages.0.epochs=1", "stages.0.ema=null"]


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "tiny.yaml").write_text(TINY)
    return tmp_path / "tiny.yaml"


def test_too_few_people_for_a_part_are_said_and_what_is_asked_of_it_later_names_the_cause(recipe, tmp_path):
    cohort = write_cohort(tmp_path / "cohort", subjects=2)
    overrides = [f"data.root={cohort}", *KEPT]
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
    anysyn.train(recipe, out=tmp_path / "two", overrides=[f"data.root={cohort}", *KEPT], **shown)
    assert "no validation subject" in capsys.readouterr().out
    assert not [one for one in recwarn if "validation subject" in str(one.message)]
