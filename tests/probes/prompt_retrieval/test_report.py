"""The figure of the retrieval."""

import pandas as pd
from matplotlib.figure import Figure

from anysyn.probes.prompt_retrieval.report import bars, confusion

IMAGES = pd.DataFrame({"modality": ["T1w", "T1w", "T2w"], "found": ["T1w", "T2w", "T2w"]})
ROW = {"dataset": "all", "modality": "all", "accuracy": 0.5, "chance": 0.1}


def test_the_confusion_is_a_share_of_the_images_of_a_modality():
    axes = Figure().subplots()
    confusion(axes, IMAGES, "found", ["T1w", "T2w"], "title")
    assert axes.images[0].get_array().tolist() == [[0.5, 0.5], [0.0, 1.0]]
    assert sorted(text.get_text() for text in axes.texts) == ["100", "50", "50"]


def test_a_bar_for_each_accuracy_and_a_line_where_chance_is():
    axes = Figure().subplots()
    rows = [
        ROW | {"of": of, "modality": m, "chance": c}
        for of, c in (("text", 0.1), ("modality", 0.5))
        for m in ("all", "T1w")
    ]
    bars(axes, pd.DataFrame([*rows, ROW | {"of": "text", "dataset": "A"}]))
    assert [bar.get_height() for bar in axes.patches] == [50.0] * 4
    assert [line.get_ydata()[0] for line in axes.lines] == [10.0, 50.0]
