"""Names of subjects and datasets are data in every output: page, tables, spreadsheets and terminal."""

import csv

import pytest
from run_folders import METHODS, write_run
from typer.testing import CliRunner

from anysyn.cli import app
from anysyn.data.records import Failure
from anysyn.evaluation.metrics.protocol import protocol
from anysyn.evaluation.results import results_of, write_results
from anysyn.evaluation.tables.cases_table import case_row, read_cases
from anysyn.evaluation.tables.format import latex, markdown
from anysyn.progress import Bar
from anysyn.reporting import report
from anysyn.training.run_folder.log import Log

NAMES = [
    *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "=cmd()", "+1", "-1", "@x", "\t=1", "'=quoted"),
    *("\x1b[31mred", r"\input{/etc/passwd}", "a\nb|c", "$\\frac{", "{{ 7 * 7 }}", "[/red]", "\u202egpj", "# x", "é"),
]
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@pytest.fixture
def hostile(tmp_path):
    """Return an evaluated run whose subjects, datasets and failures have the names above."""
    run, how = write_run(tmp_path / "run", name="<script>run</script>"), protocol("tumsyn")
    rows = [
        case_row(name, name, method, ["T1w"], "T2w", (how.name, how.digest), {"psnr": 20.0 + n, "ssim": 0.5})
        for n, name in enumerate(NAMES)
        for method in METHODS
    ]
    failures = tuple(Failure(name, None, f"{name}: is damaged") for name in NAMES)
    folder = run.path / "evaluation"
    folder.mkdir()
    result = results_of(rows, folder=folder, protocol=how, skipped={}, notes=tuple(NAMES), failures=failures)
    write_results(result, {"run": run.path, "data": None, "split": "test", "training": None, "seed": 3})
    run.write("failures.json", [{"subject": name, "reason": name} for name in NAMES])
    return run


def test_the_page_has_no_tag_of_a_name(hostile):
    page = report(hostile.path).read_text()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_no_cell_is_a_formula_and_what_is_read_is_what_was_written(hostile):
    for path in (hostile.path / "evaluation").glob("*.csv"):
        with path.open(newline="") as file:
            for row in csv.reader(file):
                assert not any(cell.startswith(FORMULA) and not is_number(cell) for cell in row), row
    cases = read_cases(hostile.path / "evaluation" / "cases.csv")
    assert list(cases["subject"].unique()) == NAMES


def is_number(cell):
    try:
        return float(cell) is not None
    except ValueError:
        return False


def test_latex_inputs_nothing():
    for name in NAMES:
        text = latex(name)
        assert "\\input" not in text
        assert "\n" not in text
        assert text.isprintable()


def test_markdown_has_one_row_for_each_name_and_no_html():
    table = markdown(["subject", "n"], *([name, "1"] for name in NAMES))
    assert len(table.splitlines()) == 2 + len(NAMES)
    assert "<script" not in table
    assert "<img" not in table


def test_the_terminal_obeys_no_name(hostile, capfd):
    (hostile.path / "recipe.yaml").write_text("name: [\x1b[31m")
    ran = CliRunner().invoke(app, ["report", str(hostile.path)])
    missing = CliRunner().invoke(app, ["report", str(hostile.path / "\x1b[31mred")])
    assert (ran.exit_code, missing.exit_code) == (1, 1)
    bar = Bar()
    with bar.task("[/red] \x1b[31m", 1):
        bar.advance("[/]")
    bar.say("\x1b]0;title\x07")
    assert "\x1b[31mred" not in ran.output + missing.output
    assert "\\x1b[31mred" in missing.output
    assert "\x07" not in capfd.readouterr().out


def test_a_stage_called_by_a_formula_is_a_word_in_the_log(tmp_path):
    from anysyn.reporting.stages import TRAINING, read_log

    log = Log(tmp_path / "log.csv")
    log.row(stage="=cmd()", epoch=0, batch=1, term="@x", value=-0.5, speed=1.0)
    assert log.path.read_text().splitlines()[1] == "'=cmd(),0,1,'@x,-0.5,1.0"
    assert read_log(log.path, TRAINING).iloc[0][["stage", "term", "value"]].tolist() == ["=cmd()", "@x", -0.5]
