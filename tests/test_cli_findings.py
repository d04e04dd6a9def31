"""`anysyn evaluate --embeddings` and `--alignment` as a user types them."""

import json

import pytest
from learned_runs import write_learned_run
from test_cli import call, one_line
from toys import write_cohort


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("findings")
    cohort = write_cohort(folder / "cohort", shape=(12, 14, 6))
    write_learned_run(folder / "run", cohort)
    write_learned_run(folder / "classification", cohort, clip=False, learns=("synthesis",))
    return folder


def test_embeddings_beside_another_run(place):
    result = call("evaluate", place / "run", "--embeddings", "--encoders", place / "classification")
    assert result.exit_code == 0, result.output
    heading = next(line for line in result.stdout.splitlines() if line.startswith("mean cosine with"))
    assert heading.split()[-3:] == ["random", "classification", "contrastive"]
    assert str(place / "run" / "evaluation" / "embeddings") in result.stdout.replace("\n", "")


def test_alignment_then_the_report(place):
    result = call("evaluate", place / "run", "--alignment")
    assert result.exit_code == 0, result.output
    assert "wrong is higher" in result.stdout
    assert call("report", place / "run").exit_code == 0
    assert 'id="alignment"' in (place / "run" / "report.html").read_text()


def test_another_cohort_has_its_own_folder(place, tmp_path):
    asked = ("evaluate", place / "run", "--alignment", "--data", place / "cohort", "--split", "all", "--out", tmp_path)
    assert call(*asked).exit_code == 0
    assert json.loads((tmp_path / "alignment" / "record.json").read_text())["split"] == "all"
    one_line(call(*asked), "holds findings", "--overwrite")


def test_a_run_without_a_clip_is_one_line(place):
    one_line(call("evaluate", place / "classification", "--alignment"), "no image-text model", "{name: clip}")


@pytest.mark.parametrize(
    "words",
    [
        ("--embeddings", "--alignment"),
        ("--embeddings", "--pairs", "T1w:T2w"),
        ("--alignment", "--protocol", "slices"),
        ("--encoders", "runs/classification"),
        ("--alignment", "--encoders", "runs/classification"),
    ],
)
def test_options_that_do_not_go_together(place, words):
    assert call("evaluate", place / "run", *words).exit_code == 2
