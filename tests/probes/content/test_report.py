"""Content, alpha and beta as the page shows them."""

import numpy as np
import pandas as pd
import pytest

from anysyn.data.records import Failure
from anysyn.errors import UserError
from anysyn.probes.content.alpha_beta import COHORT, CONTRASTS
from anysyn.probes.content.alpha_beta_figure import contrast_figure
from anysyn.probes.content.likeness import LEFT_ON, VALUES, by_modalities, summary
from anysyn.probes.findings import write_findings
from anysyn.reporting import report

NAMES = ("T1w", "T2w", "FLAIR")
ASKED = {"data": None, "split": "test", "notes": ["Places: 8; <subjects>: 2."]}
SHARES = {"alpha": [0.7, 0.2, 0.9], "beta": [0.5, 0.1, 0.8]}


def tiles_of(encoders=("random", "synthesis", "synthesis" + LEFT_ON)):
    rng = np.random.default_rng(0)
    rows = [
        {"encoder": encoder, "subject": subject, "dataset": "A", "tile": number, "first": first, "second": second}
        | dict(zip(VALUES, rng.uniform(-0.2, 1, len(VALUES)), strict=True))
        | ({"correlation_same": float("nan"), "concordance_same": float("nan")} if first == second else {})
        for encoder in encoders
        for subject in ("sub-04", "sub-05")
        for number in range(4)
        for n, first in enumerate(NAMES)
        for second in NAMES[n:]
    ]
    return pd.DataFrame(rows)


def contrasts_of():
    rng, rows = np.random.default_rng(1), []
    for n, name in enumerate(NAMES):
        for of, count in ((COHORT, 5), ("te", 9), ("tr", 9)):
            times = np.geomspace(10 * 3**n, 20 * 3**n, count)
            rows += [
                {"of": of, "subject": "a", "dataset": "A", "modality": name, "te": te, "tr": 30 * te}
                | dict(zip(CONTRASTS[-4:], rng.standard_normal(4), strict=True))
                for te in times
            ]
    return pd.DataFrame(rows)


def write_content(run, folder, contrasts=None, failures=()):
    folder.mkdir(parents=True, exist_ok=True)
    tiles = tiles_of()
    tables = {"tiles": tiles, "pairs": by_modalities(tiles), "summary": summary(tiles)}
    tables["contrasts"] = pd.DataFrame(columns=list(CONTRASTS)) if contrasts is None else contrasts
    shares = {} if contrasts is None else SHARES
    write_findings(run, folder, tables, ASKED | {"explained variance": shares}, failures)
    return tables


def section(page):
    return page.read_text(encoding="utf-8").split('id="content"')[1].split("</section>")[0]


def test_the_page_shows_figures_and_table(evaluated):
    folder = evaluated.path / "evaluation" / "content"
    tables = write_content(evaluated, folder, contrasts_of(), [Failure("sub-07", None, "T1w.nii.gz: is cut off")])
    page = report(evaluated.path)
    text = section(page)
    assert 'href="#content"' in page.read_text(encoding="utf-8")
    assert text.count("<img") == 3
    row = tables["summary"].iloc[0]
    for words in (f"{row['same']:.3f}", f"{100 * row['above_other_subject']:.1f} %", "synthesis, contrast left on"):
        assert f'">{words}</td>' in text or f"<td>{words}</td>" in text
    assert "&lt;subjects&gt;" in text
    assert "<b>sub-07</b>: T1w.nii.gz: is cut off" in text
    assert "alpha (90 % of the variance) and beta (60 %) of 15 acquisitions, and over TE and TR" in text
    assert report(evaluated.path).read_bytes() == page.read_bytes()


def test_a_run_without_alpha_and_beta_has_no_figure_of_them(evaluated):
    write_content(evaluated, evaluated.path / "evaluation" / "content")
    text = section(report(evaluated.path))
    assert text.count("<img") == 2
    assert "Alpha and beta" not in text


def test_a_page_without_content_says_nothing_of_it(evaluated):
    assert 'id="content"' not in report(evaluated.path).read_text(encoding="utf-8")


def test_acquisitions_without_settings_can_be_drawn():
    table = contrasts_of()
    unknown = table[table["of"] == COHORT].assign(te=float("nan"), tr=float("nan"))
    assert contrast_figure(unknown, SHARES).alt.endswith("of 15 acquisitions")
    some = table[table["of"] != "tr"].assign(tr=float("nan"))
    some.loc[some["modality"] == "T1w", "te"] = float("nan")
    assert contrast_figure(some, SHARES).alt.endswith("of 15 acquisitions, and over TE")


def test_damage_is_one_line(evaluated):
    folder = evaluated.path / "evaluation" / "content"
    write_content(evaluated, folder)
    (folder / "pairs.csv").write_text("a,b\n1,2\n")
    with pytest.raises(
        UserError, match=r"content: its findings cannot be read \(.*no column encoder.*\); evaluate again"
    ):
        report(evaluated.path)
