"""What of two subjects is compared with what, and how it is counted."""

import math

import pandas as pd
import pytest
import torch

from anysyn.nn.arithmetic import Affine
from anysyn.probes.content.agreement import agreement
from anysyn.probes.content.features import Maps
from anysyn.probes.content.likeness import LEFT_ON, VALUES, average_pairs, compare_tiles, summarise_tiles
from anysyn.probes.content.report import summary_grid

NAMES = ("T1w", "T2w", "FLAIR")


def tile(seed, height, held=(0, 1, 2), places=30, contrast=None):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(len(held), 4, places, generator=generator)
    inside = torch.rand(places, generator=generator) > 0.2
    return Maps((0.5, 0.5, height), inside, held, features, contrast)


def expected(first, second, i, j):
    """Compare modality number i of one tile with j of another, where both are foreground."""
    inside = first.inside & second.inside
    a, b = (
        first.features[first.modalities.index(i)][None, :, inside],
        second.features[second.modalities.index(j)][None, :, inside],
    )
    return [value.item() for value in agreement(a, b)]


def test_each_tile_is_compared_with_itself_the_others_and_the_nearest_of_another_subject():
    own, other = [tile(n, n / 4) for n in range(3)], [tile(10, 0.52), tile(11, 0.2), tile(12, 0.1)]
    rows = compare_tiles(own, other, NAMES, "a")
    assert [(row["tile"], row["first"], row["second"]) for row in rows[:6]] == [
        (0, first, second) for n, first in enumerate(NAMES) for second in NAMES[n:]
    ]
    row = next(one for one in rows if (one["tile"], one["first"], one["second"]) == (1, "T1w", "FLAIR"))
    near = other[1]
    for place, measure in enumerate(("correlation", "concordance")):
        both = [expected(own[1], one, *pair)[place] for one in (own[0], own[2]) for pair in ((0, 2), (2, 0))]
        theirs = [expected(own[1], near, *pair)[place] for pair in ((0, 2), (2, 0))]
        assert row[f"{measure}_same"] == pytest.approx(expected(own[1], own[1], 0, 2)[place])
        assert row[f"{measure}_other_slice"] == pytest.approx(sum(both) / 4)
        assert row[f"{measure}_other_subject"] == pytest.approx(sum(theirs) / 2)
    alone = [one for one in rows if one["first"] == one["second"]]
    assert all(math.isnan(one["correlation_same"]) and not math.isnan(one["correlation_other_slice"]) for one in alone)


def test_what_is_absent_is_not_compared():
    rows = compare_tiles([tile(0, 0.5, held=(0, 2))], [tile(1, 0.5, held=(1, 2))], NAMES, "a")
    assert [(row["first"], row["second"]) for row in rows] == [("T1w", "T1w"), ("T1w", "FLAIR"), ("FLAIR", "FLAIR")]
    assert math.isnan(rows[0]["correlation_other_subject"])
    assert rows[1]["correlation_other_subject"] == pytest.approx(
        expected(tile(0, 0.5, held=(0, 2)), tile(1, 0.5, held=(1, 2)), 0, 2)[0]
    )
    assert math.isnan(rows[1]["correlation_other_slice"]), "there is one tile alone"
    assert all(math.isnan(row["concordance_other_subject"]) for row in compare_tiles([tile(0, 0.5)], [], NAMES, "a"))


def test_taking_the_contrast_off_changes_the_concordance_alone():
    anatomy = torch.randn(1, 4, 30, generator=torch.Generator().manual_seed(0)).expand(3, 4, 30)
    acting = Affine(
        torch.tensor([1.0, 2.0, 0.5])[:, None].expand(3, 4), torch.tensor([0.0, 3, -1])[:, None].expand(3, 4)
    )
    whole = [
        Maps((0.5, 0.5, n / 2), torch.ones(30, dtype=torch.bool), (0, 1, 2), anatomy + n, acting) for n in range(2)
    ]
    rows = pd.DataFrame(compare_tiles(whole, whole, NAMES, "a"))
    assert list(dict.fromkeys(rows["encoder"])) == ["a", "a" + LEFT_ON]
    table = summarise_tiles(rows).set_index(["encoder", "measure"])["same"]
    assert table["a"].tolist() == pytest.approx([1, 1])
    assert table["a" + LEFT_ON, "correlation"] == pytest.approx(1)
    assert table["a" + LEFT_ON, "concordance"] < 0.6


def test_shares_count_what_is_known():
    about = {"encoder": "a", "first": "T1w", "second": "T2w"}
    values = [(0.9, 0.1, math.nan), (0.8, 0.9, 0.2), (0.7, 0.1, 0.75), (0.6, 0.1, 0.5)]
    rows = [about | dict.fromkeys(VALUES, math.nan) | dict(zip(VALUES[:3], three, strict=True)) for three in values]
    rows.append(about | {"second": "T1w"} | dict.fromkeys(VALUES, 1.0))
    table = summarise_tiles(pd.DataFrame(rows))
    first = table.iloc[0]
    assert first["pairs"] == 4
    assert first[["same", "other_slice", "above_other_slice"]].tolist() == pytest.approx([0.75, 0.3, 0.75])
    assert first[["other_subject", "above_other_subject"]].tolist() == pytest.approx([1.45 / 3, 2 / 3])
    assert table.iloc[1]["same":].isna().all()
    assert summary_grid(table).cells[0][-2:] == ["75.0 %", "66.7 %"]
    assert summary_grid(table).cells[1][-2:] == ["-", "-"]
    pairs = average_pairs(pd.DataFrame(rows))
    assert pairs[["first", "second", "tiles"]].values.tolist() == [["T1w", "T2w", 4], ["T1w", "T1w", 1]]
    assert pairs.loc[0, "correlation_other_subject"] == pytest.approx(1.45 / 3)
