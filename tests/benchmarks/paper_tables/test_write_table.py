"""Every table is written in its own layout, whatever its dimensions; orders, places and p follow from the cases."""

import re

import numpy as np
import pandas as pd
import pytest
from paper_tables import results
from paper_tables.figures import boxes, curves
from paper_tables.layout import grid_of
from paper_tables.page import write_page
from paper_tables.plan import Plan
from paper_tables.published import published
from paper_tables.read_table import read_table, table_files
from paper_tables.results import heading, long_table, over_tasks, results_of
from paper_tables.sizes import read_size
from paper_tables.table import MEAN
from paper_tables.write_table import notes_of, orders, overall_cells, to_latex, to_markdown
from scipy import stats

from anysyn.errors import UserError
from anysyn.evaluation.tables.format import arrow

TABLES = table_files()


@pytest.fixture
def filled(monkeypatch):
    """Return a function that makes the results of a table of given cases, by default of random ones."""

    def fill(name, cases=None, simulated=True):
        table = read_table(TABLES[name])
        plan = Plan(table, read_size("tiny"), "Protocol none.", simulated, None if simulated else 5.0)
        frame = drawn(table) if cases is None else cases
        monkeypatch.setattr(results, "_gather", lambda found, _: setattr(found, "cases", frame))
        return results_of(plan, None)

    return fill


def drawn(table, subjects=3, seeds=1):
    rng, rows = np.random.default_rng(0), []
    for name in table.sets:
        for task in table.tasks_of(name):
            for method in table.methods:
                if method.recipe or method.simple:
                    about = {"set": name, "task": task.name, "method": method.name, "dataset": "", "fold": ""}
                    rows += [
                        {**about, "subject": f"sub-{n}", "seed": seed, **dict.fromkeys(table.metrics, rng.random())}
                        for n in range(subjects)
                        for seed in range(seeds)
                    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_written_in_its_layout(name, filled):
    found = filled(name)
    grid = grid_of(found)
    lines = [line for line in to_markdown(found).splitlines() if line.startswith("|")]
    width = len(grid.corner) + len(grid.columns)
    own = [line for line in lines[: 2 + len(grid.rows)] if len(re.split(r"(?<!\\)\|", line)) == width + 2]
    assert len(own) == 2 + len(grid.rows)
    shown = sum(entry.published is not None for line in grid.entries for entry in line if entry)
    assert shown == len(published(found.plan.table))
    assert "".join(lines[2:]).count("[") == shown + len([text for text in grid.parameters if "[" in text])
    latex = to_latex(found)
    width = len(re.search(r"\\begin\{tabular\}\{([lr]+)\}", latex)[1])
    for line in (line for line in latex.splitlines() if line.endswith(r"\\")):
        spans = [int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", line)]
        assert len(re.split(r"(?<!\\)&", line)) + sum(spans) == width, line


def test_columns_stand_in_the_order_of_the_paper(filled):
    found = filled("pmm-1")
    own = found.plan.table.published.columns
    assert list(grid_of(found).columns) == [
        (name, arrow(task)) for name, task in zip(own["set"], own["task"], strict=True)
    ]


def test_curves_are_drawn_where_there_are_corruptions(filled):
    assert "motion, downsampling, gaussian, rician" in curves(filled("omnisyn-6"), "psnr").alt
    assert curves(filled("unisyn-2"), "psnr") is None


def test_the_page_says_what_is_simulated(tmp_path, filled):
    found = filled("unisyn-1")
    assert boxes(found, "mae") is None
    text = write_page([found], tmp_path / "page.html").read_text()
    assert text.count("Simulated subjects") >= 3  # notice, caption, notes
    assert 'colspan="3">ZS<' in text


def cases(values, measure="psnr"):
    """Return the cases of omnisyn-2's first task: by method, a value for each subject and seed."""
    rows = [
        {"set": "", "task": "T1w:T1c", "method": method, "dataset": "", "fold": "", "subject": str(n), "seed": seed}
        | {measure: value}
        for method, by_seed in values.items()
        for seed, own in enumerate(by_seed)
        for n, value in enumerate(own)
    ]
    return pd.DataFrame(rows)


BEST, SECOND, THIRD = [9.0, 8.0, 7.5, 9.5, 8.8, 7.0], [8.0, 7.5, 7.2, 8.0, 8.6, 6.0], [1.0, 2.0, 1.5, 1.2, 0.5, 1.8]


def test_places_tests_and_spreads_follow_from_the_cases(filled):
    others = [value - 1 for value in SECOND]
    found = filled("omnisyn-2", cases({"UNet": [BEST, BEST], "UNETR": [SECOND, others], "ResViT": [THIRD, THIRD]}))
    entry = {name: found.entries["", "T1w:T1c", "psnr", name] for name in ("UNet", "UNETR", "ResViT", "TransUNet")}
    assert [one.place for one in entry.values()] == [1, 2, 0, 0]
    mean = np.add(SECOND, others) / 2
    assert entry["UNETR"].mean == pytest.approx(np.mean(mean))
    assert entry["UNETR"].sd == pytest.approx(np.std(mean, ddof=1))
    assert entry["UNETR"].seeds == pytest.approx(1 / 2**0.5)
    raw = [stats.wilcoxon(np.subtract(BEST, own)).pvalue for own in (mean, THIRD)]
    assert [entry["UNETR"].p, entry["ResViT"].p] == pytest.approx([min(1.0, 2 * p) for p in raw])
    assert np.isnan(entry["UNet"].p)
    assert entry["TransUNet"].note == "not run"


def test_a_method_with_fewer_cases_has_no_place(filled):
    found = filled("omnisyn-2", cases({"UNet": [BEST[:3]], "UNETR": [SECOND]}))
    assert found.entries["", "T1w:T1c", "psnr", "UNet"].place == 0
    assert found.entries["", "T1w:T1c", "psnr", "UNETR"].place == 1


def test_what_is_less_is_better_where_the_metric_says_so(filled):
    found = filled("omnisyn-2", cases({"UNet": [BEST], "UNETR": [SECOND]}, "mse"))
    assert found.entries["", "T1w:T1c", "mse", "UNETR"].place == 1


def test_the_order_is_compared_with_the_papers(filled):
    papers = {"UNet": 19.52, "UNETR": 18.82, "ResViT": 16.04}  # T1w to T1c
    same = filled("omnisyn-2", cases({"UNet": [BEST], "UNETR": [SECOND], "ResViT": [THIRD]}))
    assert same.agreement["", "T1w:T1c", "psnr"] == 1
    assert [same.entries["", "T1w:T1c", "psnr", name].published.mean for name in papers] == list(papers.values())
    reverse = filled("omnisyn-2", cases({"UNet": [THIRD], "UNETR": [SECOND], "ResViT": [BEST]}))
    assert ("psnr", -1.0, -1.0) in orders(reverse)


def test_a_mean_over_tasks_counts_a_subject_once(filled):
    found = filled("four-contrasts")
    one = found.entries["", MEAN, "psnr", "UNet"]
    assert one.cases == 3
    own = found.cases[found.cases["method"] == "UNet"]
    assert one.mean == pytest.approx(own["psnr"].mean())
    overall = over_tasks(found).set_index("method")
    assert overall.loc["UNet", "psnr"] == pytest.approx(one.mean)
    rows = overall_cells(found)
    assert len({len(row) for row in rows}) == 1


def test_subjects_of_the_user_are_not_called_simulated_but_said_to_be_resampled(filled):
    found = filled("four-contrasts", simulated=False)
    assert "Simulated" not in "".join(notes_of(found))
    told = ["Subjects given by the user.", "Images resampled to 5 mm and compared there."]
    assert notes_of(found)[:2] == told


def test_protocols_are_not_mixed(filled):
    mixed = cases({"UNet": [BEST]}).assign(protocol=["a"] * 5 + ["b"], digest=["1"] * 5 + ["2"])
    with pytest.raises(UserError, match=r"cannot mix protocols: a \(1\), b \(2\)"):
        filled("omnisyn-2", mixed)


def test_the_long_table_has_a_row_for_every_place(filled):
    found = filled("pmm-1")
    rows = long_table(found)
    assert len(rows) == len(list(found.plan.table.places()))
    assert rows["paper"].notna().sum() == len(published(found.plan.table))


def test_metrics_that_compare_no_images_have_headings():
    assert heading("dice").text == "Dice ↑"
    assert heading("psnr").text == "PSNR (dB) ↑"


def test_a_page_of_somebody_else_is_never_replaced(tmp_path):
    path = write_page([], tmp_path / "benchmarks.html")
    write_page([], path)  # its own page follows from the results
    path.write_text("<p>mine</p>")
    with pytest.raises(UserError, match="left alone"):
        write_page([], path)
    assert path.read_text() == "<p>mine</p>"
