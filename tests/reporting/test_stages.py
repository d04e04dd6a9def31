"""Stages: logs and sample pictures of trainings that ended, go on, or were hurt."""

import pandas as pd
import pytest

from anysyn.errors import UserError
from anysyn.reporting.curves import curves, epochs, thin
from anysyn.reporting.stages import TRAINING, last_samples, read_log, stages_of

SPEC = {"stages": [{"name": "synthesis", "epochs": 3}]}


def test_the_row_that_is_being_written_is_left_out(run):
    whole = read_log(run.log, TRAINING)
    with run.log.open("a") as file:
        file.write("synthesis,2,1")
    pd.testing.assert_frame_equal(read_log(run.log, TRAINING), whole, check_dtype=False)


@pytest.mark.parametrize("content", [b"\x00\x01 no log", b"stage,epoch\nx,1\n", b"\xff\xfe\xff"])
def test_another_file_is_one_line_that_names_it(run, content):
    run.log.write_bytes(content)
    with pytest.raises(UserError, match=r"log\.csv: not a log of a training") as error:
        stages_of(run, SPEC)
    assert "\n" not in str(error.value)


def test_an_empty_log_has_no_rows(run):
    run.log.write_bytes(b"")
    assert stages_of(run, SPEC)[0].curves is None


def test_a_stage_that_has_not_begun_says_so(run):
    first, second = stages_of(run, {"stages": [*SPEC["stages"], {"name": "finer", "epochs": 2}]})
    assert first.curves is not None
    assert second.curves is None
    assert second.about == "Nothing of this stage is in the training log."


def test_the_last_sample_of_each_stage_is_shown(tmp_path):
    for name in ("0-a-0009.png", "0-a-0010.png", "1-b-c-0002.png", "notes.png"):
        (tmp_path / name).touch()
    found = {number: (path.name, epochs) for number, (path, epochs) in last_samples(tmp_path).items()}
    assert found == {0: ("0-a-0010.png", 10), 1: ("1-b-c-0002.png", 2)}


def test_a_half_written_picture_is_left_out(run):
    (run.path / "samples" / "0-synthesis-0010.png").write_bytes(b"\x89PNG")
    assert stages_of(run, SPEC)[0].sample is None


def test_epochs_are_counted_from_the_beginning_of_the_stage():
    rows = pd.DataFrame({"epoch": [0, 0, 1, 1], "batch": [5, 10, 5, 10]})
    assert epochs(rows).tolist() == [0.5, 1.0, 1.5, 2.0]


def test_thinning_keeps_the_mean():
    rows = pd.DataFrame({"value": range(1000)})
    drawn = thin(rows, 100)
    assert len(drawn) == 100
    assert drawn["value"].mean() == rows["value"].mean()
    assert thin(rows.head(100), 100)["value"].tolist() == list(range(100))


def test_many_terms_negative_ones_and_names_that_look_like_formulas_are_drawn(run):
    terms = ["l1", "a_$b$", "nll", "four"]
    rows = [
        {"stage": "s", "epoch": e, "batch": 1, "term": t, "value": v * (e + 1), "speed": 2.0}
        for e in range(3)
        for t, v in zip(terms, (1, 2, -3, 40), strict=True)
    ]
    picture = curves(pd.DataFrame(rows), pd.DataFrame(columns=["stage", "epoch", "term", "value"]))
    assert picture.width == 3 * 384
    assert "a_$b$ in training from 2 to 6" in picture.alt
    assert "nll in training from -3 to -9" in picture.alt
