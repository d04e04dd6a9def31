"""Content, alpha and beta as the page shows them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from anysyn.probes.content.alpha_beta import COHORT, COMPONENTS
from anysyn.probes.content.alpha_beta_figure import alpha_beta_figure
from anysyn.probes.content.evaluate import TABLES, Content, ContentOptions
from anysyn.probes.content.likeness import LEFT_ON, VALUES, average_pairs, summarise_tiles
from anysyn.probes.findings import Findings

NAMES = ("T1w", "T2w", "FLAIR")
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


def contrasts():
    rng, rows = np.random.default_rng(1), []
    for n, name in enumerate(NAMES):
        for of, count in ((COHORT, 5), ("te", 9), ("tr", 9)):
            times = np.geomspace(10 * 3**n, 20 * 3**n, count)
            rows += [
                {"of": of, "subject": "a", "dataset": "A", "modality": name, "te": te, "tr": 30 * te}
                | dict(zip(COMPONENTS, rng.standard_normal(4), strict=True))
                for te in times
            ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("shares", [SHARES, {}])
def test_the_section_shows_the_means_all_tiles_and_alpha_and_beta_if_there_are(shares):
    tiles = tiles_of()
    tables = {"tiles": tiles, "pairs": average_pairs(tiles), "summary": summarise_tiles(tiles)}
    tables["contrasts"] = TABLES["contrasts"].frame(contrasts() if shares else [])
    record = {"data": None, "split": "test", "explained variance": shares}
    section = Content(settings=ContentOptions()).section(Findings(folder=Path("content"), tables=tables, record=record))
    grid, _, _, *alpha_beta = section.blocks
    row = tables["summary"].iloc[0]
    assert grid.cells[0][2] == f"{row['same']:.3f}"
    assert grid.cells[0][-1] == f"{100 * row['above_other_subject']:.1f} %"
    assert "synthesis, contrast left on" in {cells[0] for cells in grid.cells}
    words = "alpha (90 % of the variance) and beta (60 %) of 15 acquisitions, and over TE and TR"
    assert [words in chart.picture.alt for chart in alpha_beta] == ([True] if shares else [])


def test_acquisitions_without_settings_can_be_drawn():
    table = contrasts()
    unknown = table[table["of"] == COHORT].assign(te=float("nan"), tr=float("nan"))
    assert alpha_beta_figure(unknown, SHARES).alt.endswith("of 15 acquisitions")
    some = table[table["of"] != "tr"].assign(tr=float("nan"))
    some.loc[some["modality"] == "T1w", "te"] = float("nan")
    assert alpha_beta_figure(some, SHARES).alt.endswith("of 15 acquisitions, and over TE")
