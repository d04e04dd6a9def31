"""Dice against other libraries, what a modality is synthesized from, and the table."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.spatial import distance
from sklearn.metrics import f1_score

from anysyn.probes.lesion_segmentation.dice import CASE, dice, shown_for, summarise, summary_grid
from anysyn.synthesis.completion.missing_contrasts import Trained

NAMES = ["T1w", "T2w", "T1c", "FLAIR"]


def test_dice_is_the_f1_score_of_the_voxels():
    rng = np.random.default_rng(0)
    found, truth = (torch.from_numpy(rng.random((3, 5, 6, 7)) > share) for share in (0.7, 0.6))
    values = dice(found, truth)
    for value, a, b in zip(values, found.flatten(1).numpy(), truth.flatten(1).numpy(), strict=True):
        assert value == pytest.approx(f1_score(b, a), abs=1e-6)
        assert value == pytest.approx(1 - distance.dice(a, b), abs=1e-6)
        assert 0.2 < value < 0.6


def test_dice_at_its_ends():
    some = torch.zeros(1, 4, 4, 4, dtype=torch.bool)
    some[0, :2] = True
    nothing = torch.zeros_like(some)
    assert dice(some, some) == [1]
    assert dice(~some, some) == [0]
    assert dice(nothing, some) == [0]
    assert math.isnan(dice(nothing, nothing)[0])
    assert math.isnan(dice(some, nothing)[0])


def test_a_modality_is_synthesized_from_as_many_others_as_the_training_showed():
    def sources(most, missing="FLAIR", may_show=NAMES, may_ask=NAMES):
        return shown_for(missing, NAMES, Trained(may_show, may_ask, most))

    assert sources(6) == [("T1w", "T2w", "T1c")]
    assert sources(2) == [("T1w", "T2w"), ("T1w", "T1c"), ("T2w", "T1c")]
    assert sources(1, "T1c") == [("T1w",), ("T2w",), ("FLAIR",)]
    assert sources(6, may_show=["T1w", "FLAIR"]) == [("T1w",)]
    assert sources(6, may_show=["FLAIR"]) == []
    assert sources(6, may_ask=["T1c"]) == []


def test_means_are_over_cases_whose_truth_is_not_empty():
    about = {name: "x" if kind is str else 0.0 for name, kind in CASE.items()}
    values = [0.2, 0.5, 0.8, float("nan")]
    rows = [about | {"subject": str(n), "dice": value, "agreement": 0.5} for n, value in enumerate(values)]
    rows += [about | {"region": "y", "dice": float("nan"), "agreement": float("nan")}]
    table = summarise(pd.DataFrame(rows)).set_index("region")
    assert table.loc["x", ["cases", "empty"]].tolist() == [3, 1]
    assert table.loc["x", "dice"] == pytest.approx(0.5)
    assert table.loc["x", "dice_sd"] == pytest.approx(np.std(values[:3], ddof=1))
    assert table.loc["y", ["cases", "empty"]].tolist() == [0, 1]
    assert math.isnan(table.loc["y", "dice"])
    assert summary_grid(table.reset_index())[0].cells[1][-3:] == ["0", "- ± -", "-"]
