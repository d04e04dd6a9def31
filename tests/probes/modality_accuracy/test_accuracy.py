"""Accuracies and losses counted by hand."""

import pandas as pd
import pytest

from anysyn.probes.modality_accuracy.accuracy import compare_losses, summarise_accuracy


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
    accuracy = summarise_accuracy(texts, slices, ["A"]).set_index(["of", "dataset", "modality"])
    assert accuracy.loc[("text", "all", "all"), "accuracy"] == pytest.approx(2 / 3)
    assert accuracy.loc[("image", "all", "all"), ["count", "accuracy"]].tolist() == [4, 0.5]
    assert accuracy.loc[("image", "B", "all"), ["in_training", "accuracy"]].tolist() == ["no", 0.5]
    assert accuracy.loc[("image", "A", "all"), "in_training"] == "yes"
    assert accuracy.loc[("image", "A", "T1c"), "accuracy"] == 0


def test_a_wrong_description_is_compared_with_the_right_one_slice_by_slice(slices):
    losses = compare_losses(slices).set_index(["modality", "description"])
    assert losses.loc[("T2w", "T1w"), "higher"] == 0.5  # of 0.9 and 0.1, against 0.2 and 0.3
    assert losses.loc[("T2w", "T1w"), "right"] == pytest.approx(0.25)
    assert losses.loc[("T2w", "T1w"), "wrong"] == pytest.approx(0.5)
    assert losses.loc[("T1c", "T1w"), "higher"] == 0
    assert losses.loc[("all", "all"), ["slices", "higher"]].tolist() == [8, 6 / 8]


def test_the_same_loss_is_not_higher(slices):
    slices["loss given T1w"] = slices["loss given T1c"] = slices["loss given T2w"] = 0.5
    assert (compare_losses(slices)["higher"] == 0).all(), "a model that ignores the description must not pass"
