import pytest
import torch
from sklearn.linear_model import Ridge

from anysyn.shortcuts import ridge
from anysyn.shortcuts.ridge import Products
from anysyn.shortcuts.terms import Terms

TERMS = Terms(knots=4, pairs=3, around=3)


def observed(**held):
    """Return products, and the voxels (N, 4 modalities, P) they are of; NaN where a sample lacks a modality."""
    products, voxels = Products(terms=TERMS, ridge=1e-3), []
    for name, count in held.items():
        modalities = tuple(map(int, name[1:]))
        known = torch.rand(count, len(modalities), 3)
        products.add(modalities, known)
        voxels.append(torch.full((count, 4, 3), float("nan")).index_copy(1, torch.tensor(modalities), known))
    return products, torch.cat(voxels)


def by_library(voxels, sources, target):
    whole = voxels[~voxels[:, [*sources, target]].isnan().any((1, 2))]
    terms, truth = TERMS.of(whole[:, list(sources)]).double(), whole[:, target, 1].double()
    found = Ridge(alpha=1e-3 * len(whole), fit_intercept=False, solver="cholesky").fit(terms.numpy(), truth.numpy())
    return torch.from_numpy(found.coef_)


@pytest.mark.parametrize(("sources", "targets"), [((0,), [1, 2, 3]), ((1, 2), [0]), ((0, 2), [1, 3])])
def test_what_is_solved_is_the_ridge_regression_of_a_library_over_all_samples_that_have_it(sources, targets):
    products, voxels = observed(_012=300, _0123=200, _12=100)
    solved = {
        target: weights[:, column]
        for together, weights in products.solved(sources, targets)
        for column, target in enumerate(together)
    }
    assert sorted(solved) == targets
    for target, weights in solved.items():
        torch.testing.assert_close(weights, by_library(voxels, sources, target), atol=5e-4, rtol=1e-2)


def test_what_no_sample_has_together_is_left_out():
    products, _ = observed(_01=50, _23=50)
    assert [targets for targets, _ in products.solved((0,), [1, 2, 3])] == [[1]]
    assert not list(products.solved((0, 2), [1, 3]))


def test_voxels_may_come_in_any_portions(monkeypatch):
    known, whole, cut = torch.rand(100, 2, 3), *(Products(terms=TERMS, ridge=1e-3) for _ in range(2))
    whole.add((0, 1), known)
    monkeypatch.setattr(ridge, "VOXELS", 7)
    for part in known.split(30):
        cut.add((0, 1), part)
    torch.testing.assert_close(cut.sums[0, 1], whole.sums[0, 1], rtol=1e-5, atol=1e-3)
