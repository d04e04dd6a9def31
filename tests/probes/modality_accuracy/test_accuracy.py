"""Accuracies and losses counted by hand."""

import pandas as pd
import pytest

from anysyn.probes.modality_accuracy.accuracy import accuracies, cells, descriptions_told


@pytest.fixture
def slices():
    rows = [  # dataset, modality, found, losses given T1w, T1c, T2w
        ("A", "T1w", "T1w", 0.1, 0.4, 0.9),
        ("A", "T1c", "T1w", 0.3, 0.5, 0.8),
        ("B", "T2w", "T2w", 0.9, 0.7, 0.2),
        ("B", "T2w", "T1w", 0.1, 0.6, 0.3),
    ]
    return pd.DataFrame(
        rows, columns=["dataset", "modality", "found", *(f"loss given {m}" for m in ("T1w", "T1c", "T2w"))]
    )


def test_accuracy_of_texts_and_of_images_in_and_out_of_the_domain(slices):
    texts = pd.DataFrame({"modality": ["T1w", "T1c", "T2w"], "found": ["T1w", "", "T2w"]})
    found = accuracies(texts, slices, ["A"]).set_index(["of", "dataset", "modality"])
    assert found.loc[("text", "all", "all"), "accuracy"] == pytest.approx(2 / 3)
    assert found.loc[("image", "all", "all"), ["count", "accuracy"]].tolist() == [4, 0.5]
    assert found.loc[("image", "B", "all"), ["in_training", "accuracy"]].tolist() == ["no", 0.5]
    assert found.loc[("image", "A", "all"), "in_training"] == "yes"
    assert found.loc[("image", "A", "T1c"), "accuracy"] == 0


def test_a_wrong_description_is_compared_with_the_right_one_slice_by_slice(slices):
    told = descriptions_told(slices).set_index(["modality", "description"])
    assert told.loc[("T2w", "T1w"), "higher"] == 0.5  # of 0.9 and 0.1, against 0.2 and 0.3
    assert told.loc[("T2w", "T1w"), "right"] == pytest.approx(0.25)
    assert told.loc[("T2w", "T1w"), "wrong"] == pytest.approx(0.5)
    assert told.loc[("T1c", "T1w"), "higher"] == 0
    assert told.loc[("all", "all"), ["slices", "higher"]].tolist() == [8, 6 / 8]


def test_the_same_loss_is_not_higher(slices):
    slices["loss given T1w"] = slices["loss given T1c"] = slices["loss given T2w"] = 0.5
    assert (descriptions_told(slices)["higher"] == 0).all(), "a model that ignores the description must not pass"


def test_shares_are_written_in_percent():
    assert cells(pd.DataFrame({"count": [3], "accuracy": [2 / 3]}), ["count"], "accuracy") == [["3", "66.67 %"]]
