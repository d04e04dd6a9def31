"""Sweeps as the page shows them."""

import numpy as np
import pandas as pd
from run_folders import write_probe

from anysyn.probes.metadata_sweep.report import sweep_figure, value_grid
from anysyn.probes.metadata_sweep.summary import summarize_sweeps
from anysyn.reporting import report

NOTES = ["model is conditioned on <nothing>."]
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


def write_sweep(run, rows):
    write_probe(
        run,
        "metadata_sweep",
        {"sweep": rows, "summary": summarize_sweeps(rows)},
        notes=NOTES,
        options={"sweep": ["T1w:T2w:te=60"]},
    )


def section(page):
    return page.read_text(encoding="utf-8").split('id="metadata_sweep"')[1].split("</section>")[0]


def test_the_page_shows_figure_and_tables(evaluated):
    rows = pd.concat([rows_of(), rows_of(key="tr", values=(3000.0, 4000.0))])
    write_sweep(evaluated, rows)
    page = report(evaluated.path)
    assert 'href="#metadata_sweep"' in page.read_text(encoding="utf-8")
    text = section(page)
    for words in ("T1w → T2w, TE", "T1w → T2w, TR", '<th scope="col">TE 60</th>', "TR 4000", "one-hot", "0.900"):
        assert words in text
    assert "model is conditioned on &lt;nothing&gt;." in text
    part = rows[(rows["key"] == "te") & (rows["value"] == 80) & (rows["method"] == "model")]
    assert f"<td>{part['psnr'].mean():.2f}</td>" in text
    assert "TE: model 0.90, one-hot 0.00, own protocol copied 0.00; T1w → T2w, TR: model 0.90" in text
    assert report(evaluated.path).read_bytes() == page.read_bytes()


def test_one_value_and_one_subject_can_be_drawn(evaluated):
    rows = rows_of(subjects=("sub-04",), values=(60.0,))
    write_sweep(evaluated, rows)
    cells = section(report(evaluated.path)).split("T1w → T2w, TE")[2]
    assert "<td>-</td>" in cells  # a correlation of one value does not exist


def test_a_page_without_sweeps_says_nothing_of_them(evaluated):
    assert 'id="metadata_sweep"' not in report(evaluated.path).read_text()


def test_what_a_protocol_measures_is_what_the_table_shows():
    rows = rows_of().drop(columns=["psnr", "ssim"])
    assert value_grid(rows).headings[0] == "MAE"
    assert sweep_figure(rows, summarize_sweeps(rows)).alt.startswith("Slope of synthesized over true contrast")
    assert np.allclose(rows["mae"], 0.1)
