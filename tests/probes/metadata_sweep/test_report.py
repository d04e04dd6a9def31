"""Sweeps as the page shows them."""

import numpy as np
import pandas as pd
import pytest

from anysyn.errors import UserError
from anysyn.probes.findings import write_findings
from anysyn.probes.metadata_sweep.report import sweep_figure, value_table
from anysyn.probes.metadata_sweep.summary import obedience
from anysyn.reporting import report

ASKED = {"data": None, "split": "test", "notes": ["model is told <nothing>."]}
METHODS = {"model": 0.9, "one-hot": 0.0, "own protocol copied": 0.0}


def rows_of(subjects=("sub-04", "sub-05"), key="te", values=(60.0, 80.0, 100.0)):
    about = {"dataset": "A", "sources": "T1w", "target": "T2w", "key": key, "own": 90.0}
    return pd.DataFrame(
        [
            {"sweep": f"T1w:T2w:{key}", "subject": subject, **about, "value": value, "method": method}
            | {"psnr": 20 + slope + value / 100 + s, "ssim": 0.5, "mae": 0.1}
            | {"contrast": 0.3 + slope * value / 1000, "true_contrast": 0.2 + value / 1000 + 0.05 * s}
            for s, subject in enumerate(subjects)
            for value in values
            for method, slope in METHODS.items()
        ]
    )


def write_sweep(run, folder, rows):
    folder.mkdir(parents=True, exist_ok=True)
    write_findings(run, folder, {"sweep": rows, "summary": obedience(rows)}, ASKED, ())


def section(page):
    return page.read_text(encoding="utf-8").split('id="sweep"')[1].split("</section>")[0]


def test_the_page_shows_figure_and_tables(evaluated):
    rows = pd.concat([rows_of(), rows_of(key="tr", values=(3000.0, 4000.0))])
    write_sweep(evaluated, evaluated.path / "evaluation" / "sweep", rows)
    page = report(evaluated.path)
    assert 'href="#sweep"' in page.read_text(encoding="utf-8")
    text = section(page)
    for words in ("T1w → T2w, TE", "T1w → T2w, TR", '<th scope="col">TE 60</th>', "TR 4000", "one-hot", "0.900"):
        assert words in text
    assert "model is told &lt;nothing&gt;." in text
    part = rows[(rows["key"] == "te") & (rows["value"] == 80) & (rows["method"] == "model")]
    assert f"<td>{part['psnr'].mean():.2f}</td>" in text
    assert "TE: model 0.90, one-hot 0.00, own protocol copied 0.00; T1w → T2w, TR: model 0.90" in text
    assert report(evaluated.path).read_bytes() == page.read_bytes()


def test_one_value_and_one_subject_can_be_drawn(evaluated):
    rows = rows_of(subjects=("sub-04",), values=(60.0,))
    write_sweep(evaluated, evaluated.path / "evaluation" / "sweep", rows)
    cells = section(report(evaluated.path)).split("T1w → T2w, TE")[2]
    assert "<td>-</td>" in cells  # a correlation of one value does not exist


def test_a_page_without_sweeps_says_nothing_of_them(evaluated):
    assert 'id="sweep"' not in report(evaluated.path).read_text()


def test_what_a_protocol_measures_is_what_the_table_shows():
    rows = rows_of().drop(columns=["psnr", "ssim"])
    assert value_table(rows)["headings"][0] == "MAE"
    assert sweep_figure(rows, obedience(rows)).alt.startswith("Contrast asked for and found")
    assert np.allclose(rows["mae"], 0.1)


def test_damage_is_one_line(evaluated):
    folder = evaluated.path / "evaluation" / "sweep"
    write_sweep(evaluated, folder, rows_of())
    (folder / "summary.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"sweep: its findings cannot be read \(.*no column sweep.*\); evaluate again"):
        report(evaluated.path)
