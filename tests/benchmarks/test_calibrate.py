"""The command that calibrates corruptions on a user's images."""

import calibrate
import pandas as pd
import pytest
from toys import write_cohort
from typer.testing import CliRunner

from anysyn.data.subjects.find import find_subjects
from anysyn.data.volumes.study import read_study
from anysyn.evaluation.degradation.corruptions import corrupted, corruption, input_psnr
from anysyn.registry import names


@pytest.fixture
def cohort(tmp_path):
    return write_cohort(tmp_path / "cohort", subjects=3)


def run(*words):
    return CliRunner().invoke(calibrate.app, [*map(str, words)])


def test_what_is_printed_gives_the_wanted_psnr(cohort, tmp_path):
    answer = run("--data", cohort, "--psnr", "gaussian=25,15 rician=20", "--out", tmp_path / "levels.csv")
    assert answer.exit_code == 0, answer.output
    first, *lines, _ = answer.output.splitlines()
    assert first.startswith("3 images of T1w")
    for line, wanted in zip(lines, (25, 15, 20), strict=True):
        how = corruption(line.split()[0])
        studies = [read_study(one, modalities=["T1w"]) for one in find_subjects(cohort).subjects]
        spoilt = [corrupted(study, ["T1w"], how) for study in studies]
        left = [
            input_psnr(s.images["T1w"], t.images["T1w"], t.foreground) for s, t in zip(spoilt, studies, strict=True)
        ]
        assert sum(left) / 3 == pytest.approx(wanted, abs=0.3)
    table = pd.read_csv(tmp_path / "levels.csv")
    assert table["corruption"].tolist() == ["gaussian", "gaussian", "rician"]
    assert table["wanted"].tolist() == [25, 15, 20]
    assert (table["mean"] - table["wanted"]).abs().max() < 0.3


def test_numbers_alone_are_for_every_corruption():
    assert calibrate._wanted("30,20") == {name: [30.0, 20.0] for name in names("corruption")}
    assert calibrate._wanted("30 motion=25")["motion"] == [25.0]


def test_subjects_are_spread():
    assert calibrate._spread(range(10), 3) == [0, 3, 6]
    assert calibrate._spread(range(2), 8) == [0, 1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--psnr", "fog=20"), "no corruption named 'fog'"),
        (("--psnr", "gaussian=high"), "cannot be read"),
        (("--psnr", "20"), "give the images"),
        (("--psnr", "20", "--data", "nowhere", "--out", __file__), "nothing is overwritten"),
    ],
)
def test_mistakes_are_one_line(words, message):
    answer = run(*words)
    assert answer.exit_code == 1
    assert message in answer.output
    assert len(answer.output.splitlines()) == 1


def test_a_modality_that_nobody_has(cohort):
    answer = run("--data", cohort, "--modality", "CT", "--psnr", "20")
    assert answer.exit_code == 1
    assert "none of 3 subjects has CT" in answer.output
