"""The section of the page, and the picture of the probabilities."""

import numpy as np
import pandas as pd
from run_folders import write_probe

from anysyn.probes.modality_accuracy.accuracy import compare_losses, summarise_accuracy
from anysyn.probes.modality_accuracy.report import probability_map
from anysyn.reporting import report

NAMES = ("T1w", "T2w", "FLAIR")


def test_the_page_shows_accuracies_and_writes_descriptions_as_text(evaluated):
    likely = np.random.default_rng(0).dirichlet(np.ones(3), 60)
    slices = pd.DataFrame({"subject": "sub-04", "dataset": ["A", "B"] * 30, "slice": range(60), "modality": NAMES * 20})
    slices["found"] = [NAMES[place] for place in likely.argmax(1)]
    for n, name in enumerate(NAMES):
        slices[f"probability of {name}"], slices[f"loss given {name}"] = likely[:, n], 1 - likely[:, n]
    texts = pd.DataFrame({"modality": NAMES, "description": [f"an <i>{name}</i>" for name in NAMES], "found": NAMES})
    texts = texts.assign(**{f"probability of {name}": np.eye(3)[n] for n, name in enumerate(NAMES)})
    counted = {"accuracy": summarise_accuracy(texts, slices, ["A"]), "losses": compare_losses(slices)}
    write_probe(evaluated, "modality_accuracy", {"texts": texts, "slices": slices, **counted})
    page = report(evaluated.path).read_text(encoding="utf-8")
    section = page.split('id="modality_accuracy"')[1].split("</section>")[0]
    assert "<i>" not in section
    assert "an &lt;i&gt;T1w&lt;/i&gt;" in section
    of_b = slices[slices["dataset"] == "B"]
    assert f"{100 * (of_b['found'] == of_b['modality']).mean():.2f} %" in section


def test_more_datasets_than_fit_are_drawn_together():
    likely = np.random.default_rng(0).dirichlet(np.ones(3), 60)
    slices = pd.DataFrame({"dataset": [f"site{n % 6}" for n in range(60)], "modality": NAMES * 20})
    slices = slices.assign(**{f"probability of {name}": likely[:, n] for n, name in enumerate(NAMES)})
    texts = pd.DataFrame(
        {"modality": NAMES, **{f"probability of {n}": row for n, row in zip(NAMES, np.eye(3), strict=True)}}
    )
    own = likely[range(60), [n % 3 for n in range(60)]].mean()
    assert probability_map(texts, slices).alt.endswith(f"texts 100 %, images of all datasets {100 * own:.0f} %")
