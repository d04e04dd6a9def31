"""`anysyn evaluate --embeddings` and `--content` as a user types them."""

import pytest
from learned_runs import write_learned_run
from test_cli import call
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


def test_content_beside_another_run_then_the_report(place):
    result = call("evaluate", place / "run", "--content", "--encoders", place / "classification")
    assert result.exit_code == 0, result.output
    assert any(line.startswith("classification  concordance") for line in result.stdout.splitlines())
    assert call("report", place / "run").exit_code == 0
    assert 'id="content"' in (place / "run" / "report.html").read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("--embeddings", "--content"),
        ("--content", "--sweep", "T1w:T2w:te=60"),
        ("--embeddings", "--pairs", "T1w:T2w"),
        ("--encoders", "runs/classification"),
    ],
)
def test_options_that_do_not_go_together(place, words):
    assert call("evaluate", place / "run", *words).exit_code == 2
