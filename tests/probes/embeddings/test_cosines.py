"""Mean cosines against a plain loop over all pairs of slices."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
import torch

from anysyn.probes.embeddings.cosines import arranged, cosine_table, mean_cosines


@pytest.fixture
def slices():
    generator = torch.Generator().manual_seed(3)
    vectors = torch.nn.functional.normalize(torch.randn(11, 3, 5, generator=generator), dim=2)
    available = torch.rand(11, 3, generator=generator) > 0.3
    vectors[~available] = float("nan")  # what is absent is never read
    return vectors, available, torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3])


def kind(m, n, subjects):
    if m == n:
        return "same_slice"
    return "other_slice" if subjects[m] == subjects[n] else "other_subject"


def test_every_pair_of_slices_counts_once(slices):
    vectors, available, subjects = slices
    found = mean_cosines(vectors, available, subjects)
    for i, j in product(range(3), repeat=2):
        values = {"same_slice": [], "other_slice": [], "other_subject": []}
        for m, n in product(range(11), repeat=2):
            if available[m, i] and available[n, j]:
                a, b = vectors[m, i].numpy(), vectors[n, j].numpy()
                cosine = a @ b / (np.linalg.norm(a) * np.linalg.norm(b))
                values[kind(m, n, subjects)].append(cosine)
        for name, several in values.items():
            assert getattr(found, name)[i, j].item() == pytest.approx(np.mean(several), abs=1e-6), (name, i, j)


def test_pairs_that_do_not_exist_have_no_mean():
    vectors, one = torch.ones(2, 2, 1), torch.tensor([[True, False], [False, True]])
    found = mean_cosines(vectors, one, torch.tensor([0, 0]))
    assert found.same_slice[0, 1].isnan()  # no slice has both
    assert found.other_slice[0, 1] == 1
    assert found.other_slice[0, 0].isnan()  # only one slice has the first
    assert found.other_subject.isnan().all()  # there is one subject


def test_the_table_sets_encoders_side_by_side(slices):
    names = ["T1w", "T1c", "T2w"]
    found = mean_cosines(*slices)
    tables = [cosine_table(label, found, names) for label in ("random", "contrastive")]
    labels, groups = arranged(pd.concat(tables))
    assert labels == ["random", "contrastive"]
    rows = {title: dict(part) for title, part in groups}
    assert list(rows["the same slice"]) == ["T1w ↔ T1c", "T1w ↔ T2w", "T1c ↔ T2w"]
    assert rows["the same slice"]["T1w ↔ T2w"] == [found.same_slice[0, 2].item()] * 2
    assert rows["another slice of the same subject"]["T1c"] == [found.other_slice[1, 1].item()] * 2
    assert rows["a slice of another subject"]["T2w"] == [found.other_subject[2, 2].item()] * 2
