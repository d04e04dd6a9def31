"""Embeddings as the page shows them."""

import numpy as np
import pandas as pd
import torch
from run_folders import write_probe

from anysyn.probes.embeddings.cosines import Cosines, cosine_table
from anysyn.probes.embeddings.report import scatter
from anysyn.reporting import report

NAMES = ("T1w", "T2w", "FLAIR")


def coordinates(slices=20):
    rng = np.random.default_rng(0)
    about = [
        {"encoder": encoder, "subject": subject, "dataset": "A", "slice": number, "modality": name}
        for encoder in ("random", "contrastive")
        for subject in ("sub-04", "sub-05")
        for number in range(slices)
        for name in NAMES
    ]
    x, y = rng.standard_normal((2, len(about)))
    return pd.DataFrame(about).assign(x=x, y=y)


def test_the_page_shows_the_cosines_and_the_components(evaluated):
    cosines = Cosines(*(torch.full((3, 3), value, dtype=torch.float64) for value in (0.8751, 0.25, 0.125)))
    tables = {
        "cosines": pd.concat([cosine_table(label, cosines, NAMES) for label in ("random", "contrastive")]),
        "coordinates": coordinates(),
    }
    shares = {"explained variance": {"random": [0.6, 0.2], "contrastive": [0.5, 0.1]}}
    write_probe(evaluated, "embeddings", tables, **shares)
    text = report(evaluated.path).read_text(encoding="utf-8")
    for words in ('href="#embeddings"', "T1w ↔ FLAIR", "0.8751", "another slice of the same subject", "0.2500"):
        assert words in text
    assert "embeddings of random (80 % of the variance) and contrastive (60 % of the variance), 120 slices" in text
    assert '<h2 id="results">' in text  # the syntheses are still there
    assert report(evaluated.path).read_bytes() == text.encode()


def test_a_large_cohort_gives_a_small_picture():
    shares = {"random": [0.6, 0.2], "contrastive": [0.5, 0.1]}
    assert len(scatter(coordinates(slices=600), shares).source) < 1_500_000
