"""The picture of the probabilities."""

import numpy as np
import pandas as pd

from anysyn.probes.modality_accuracy.report import probability_map

NAMES = ("T1w", "T2w", "FLAIR")


def test_more_datasets_than_fit_are_drawn_together():
    likely = np.random.default_rng(0).dirichlet(np.ones(3), 60)
    slices = pd.DataFrame({"dataset": [f"site{n % 6}" for n in range(60)], "modality": NAMES * 20})
    slices = slices.assign(**{f"probability of {name}": likely[:, n] for n, name in enumerate(NAMES)})
    texts = pd.DataFrame(
        {"modality": NAMES, **{f"probability of {n}": row for n, row in zip(NAMES, np.eye(3), strict=True)}}
    )
    own = likely[range(60), [n % 3 for n in range(60)]].mean()
    assert probability_map(texts, slices).alt.endswith(f"texts 100 %, images of all datasets {100 * own:.0f} %")
