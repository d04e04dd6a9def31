"""Findings as the page shows them."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from run_folders import write_evaluation

from anysyn.data.records import Failure
from anysyn.errors import UserError
from anysyn.probes.embeddings.cosines import Cosines, cosine_table
from anysyn.probes.embeddings.report import scatter
from anysyn.probes.findings import write_findings
from anysyn.probes.read_findings import find_findings
from anysyn.reporting import report

NAMES = ("T1w", "T2w", "FLAIR")
ASKED = {"data": None, "split": "test", "notes": ["40 slices of 2 subjects."]}


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


def write_embeddings(run, folder, failures=()):
    folder.mkdir(parents=True, exist_ok=True)
    found = Cosines(*(torch.full((3, 3), value, dtype=torch.float64) for value in (0.8751, 0.25, 0.125)))
    tables = {
        "cosines": pd.concat([cosine_table(label, found, NAMES) for label in ("random", "contrastive")]),
        "coordinates": coordinates(),
    }
    shares = {"explained variance": {"random": [0.6, 0.2], "contrastive": [0.5, 0.1]}}
    write_findings(run, folder, tables, ASKED | shares, failures)


def page_of(path):
    return path.read_text(encoding="utf-8")


def test_a_page_without_findings_says_nothing_of_them(evaluated):
    text = page_of(report(evaluated.path))
    assert 'id="embeddings"' not in text


def test_the_page_shows_the_cosines_and_the_components(evaluated):
    write_embeddings(evaluated, evaluated.path / "evaluation" / "embeddings")
    text = page_of(report(evaluated.path))
    for words in ('href="#embeddings"', "T1w ↔ FLAIR", "0.8751", "another slice of the same subject", "0.2500"):
        assert words in text
    assert "embeddings of random (80 % of the variance) and contrastive (60 % of the variance), 120 slices" in text
    assert '<h2 id="results">' in text  # the syntheses are still there
    assert report(evaluated.path).read_bytes() == text.encode()


def test_findings_are_shown_of_a_run_whose_syntheses_were_not_evaluated(run):
    write_embeddings(run, run.path / "evaluation" / "embeddings")
    text = page_of(report(run.path))
    assert "0.8751" in text
    assert "anysyn evaluate" in text


def test_the_findings_lie_with_the_results_that_are_shown(evaluated, tmp_path):
    write_embeddings(evaluated, tmp_path / "other" / "embeddings")
    assert find_findings(evaluated, None, "embeddings") == (tmp_path / "other" / "embeddings").resolve()
    assert find_findings(evaluated, evaluated.path / "evaluation", "embeddings") is None
    write_evaluation(evaluated, tmp_path / "other")
    assert "0.8751" in page_of(report(evaluated.path, results=tmp_path / "other", out=tmp_path / "page.html"))


def test_what_failed_is_listed(evaluated):
    folder = evaluated.path / "evaluation" / "embeddings"
    write_embeddings(evaluated, folder, failures=[Failure("sub-07", None, "T1w.nii.gz: is cut off")])
    text = page_of(report(evaluated.path))
    assert "<b>sub-07</b>: T1w.nii.gz: is cut off" in text


@pytest.mark.parametrize(
    ("name", "content"), [("cosines.csv", "a,b\n1,2\n"), ("record.json", "{"), ("record.json", "{}")]
)
def test_damage_is_one_line(evaluated, name, content):
    folder = evaluated.path / "evaluation" / "embeddings"
    write_embeddings(evaluated, folder)
    (folder / name).write_text(content)
    with pytest.raises(UserError, match=r"embeddings: its findings cannot be read \(.*\); evaluate again"):
        report(evaluated.path)


def test_a_large_cohort_gives_a_small_picture():
    shares = {"random": [0.6, 0.2], "contrastive": [0.5, 0.1]}
    assert len(scatter(coordinates(slices=600), shares).source) < 1_500_000


def test_the_record_names_what_computed(run):
    folder = run.path / "evaluation" / "embeddings"
    write_embeddings(run, folder)
    assert "torch" in json.loads((folder / "record.json").read_text())["versions"]
