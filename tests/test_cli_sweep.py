"""`anysyn simulate --vary`, `anysyn evaluate --sweep` and the report, as a user types them."""

import pytest
from learned_runs import write_learned_run
from test_cli import call, one_line

from anysyn.data.subjects.find import find_subjects

SPLIT = {"train": ["sub-001", "sub-002"], "validation": [], "test": ["sub-003"]}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sweep")
    made = ("simulate", folder / "cohort", "--subjects", 3, "--sites", 1, "--spacing", 6, "--contrasts", "T1w,T2w")
    assert call(*made, "--vary").exit_code == 0
    for name in ("run", "other"):
        write_learned_run(folder / name, folder / "cohort", clip=False).write("split.json", SPLIT)
    return folder


def middle(place):
    low, high = sorted(one.acquisitions["T2w"].echo_time_ms for one in find_subjects(place / "cohort").subjects[:2])
    return f"T1w:T2w:te={low + (high - low) / 3:.2f},{low + (high - low) / 2:.2f}"


def test_a_sweep_beside_another_run_then_the_report(place):
    beside = f"one-hot={place / 'other'}"
    result = call("evaluate", place / "run", "--sweep", middle(place), "--beside", beside, "--protocol", "tumsyn")
    assert result.exit_code == 0, result.output
    assert any(line.startswith("T1w → T2w, TE  one-hot ") for line in result.stdout.splitlines())
    assert (place / "run" / "evaluation" / "sweep" / "sweep.csv").is_file()
    assert call("report", place / "run").exit_code == 0
    assert 'id="sweep"' in (place / "run" / "report.html").read_text()


def test_values_outside_of_the_training_are_one_line(place):
    one_line(call("evaluate", place / "run", "--sweep", "T1w:T2w:te=500"), "500 is not inside", "--vary")


@pytest.mark.parametrize(
    "words",
    [
        ("--sweep", "T1w:T2w:te=60", "--pairs", "T1w:T2w"),
        ("--sweep", "T1w:T2w:te=60", "--alignment"),
        ("--beside", "runs/other"),
        ("--embeddings", "--training", "cohort"),
    ],
)
def test_options_that_do_not_go_together(place, words):
    assert call("evaluate", place / "run", *words).exit_code == 2
