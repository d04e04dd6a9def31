from dataclasses import replace

import pytest
import torch
from torch import Generator
from toys import one_hot

from anysyn.nn.solved import Solved
from anysyn.shortcuts import Regression, regression
from anysyn.synthesis.dataset_request import reads_dataset
from anysyn.types import Batch, Query

ALL = torch.ones(6, 4, dtype=torch.bool)


def images_of(shape=(12, 14), samples=6):
    """Draw two contrasts, and two that both tell: a product of them, and what is around one."""
    first, second = torch.rand(2, samples, *shape, generator=Generator().manual_seed(1))
    around = torch.nn.functional.avg_pool2d(first, 3, 1, padding=1)
    return torch.stack([first, second, first * second, around], 1)


def solved(images, available=ALL, **options):
    shortcut = Regression(modalities=4, voxels=2000, **options)
    shortcut.observe(replace(Batch.complete(images), available=available), Generator().manual_seed(0))
    shortcut.solve()
    return shortcut


def ask(sources, *targets, samples=6):
    return Query(torch.tensor([sources] * samples), torch.tensor([targets] * samples))


def test_it_is_solved_not_trained():
    shortcut = Regression(modalities=4)
    assert isinstance(shortcut, Solved)
    assert not list(shortcut.parameters())


def test_it_finds_what_two_contrasts_and_what_neighbours_tell():
    shortcut, fresh = solved(images_of()), images_of()
    answer = shortcut(Batch.complete(fresh), ask([0, 1], 2, 3))
    assert (answer[:, 0] - fresh[:, 2]).abs().max() < 0.02, "a product is bilinear"
    assert (answer[:, 1] - fresh[:, 3]).abs().max() < 0.02, "a mean is linear in the neighbours"
    alone = shortcut(Batch.complete(fresh), ask([0], 2))
    expected = fresh[:, 0] / 2  # the mean of the product over all that the second may be
    assert (alone[:, 0] - expected)[:, 1:-1, 1:-1].abs().mean() < 0.03


def test_what_is_shown_is_answered_by_itself_and_what_nobody_has_beside_it_by_zero():
    available = ALL.clone()
    available[:, 3] = False
    shortcut, fresh = solved(images_of().masked_fill(~available[..., None, None], float("nan")), available), images_of()
    answer = shortcut(Batch.complete(fresh), ask([1, 0], 0, 3))
    assert torch.equal(answer[:, 0], fresh[:, 0])
    assert not answer[:, 1].any()
    assert torch.equal(shortcut(Batch.complete(fresh), ask([3, 2, 1, 0], 2, 1)), fresh[:, [2, 1]])


def test_samples_may_have_and_show_different_contrasts():
    available = ALL.clone()
    available[:2, 1] = available[2:, 2] = False
    images = images_of()
    shortcut = solved(images.masked_fill(~available[..., None, None], float("nan")), available)
    query = Query(torch.tensor([[0, 1], [3, 3], [2, 0]]), torch.tensor([[3], [0], [1]]))
    together = shortcut(Batch.complete(images[:3]), query)
    for row, sources in enumerate([[1, 0], [3], [0, 2]]):
        alone = shortcut(Batch.complete(images[row : row + 1]), ask(sources, int(query.targets[row]), samples=1))
        torch.testing.assert_close(together[row : row + 1], alone)
    assert together[2].eq(0).all(), "nobody has the second and the third"


def told(images, *dataset):
    return replace(Batch.complete(images), dataset=one_hot(*dataset, count=6))


def of_two_datasets():
    """Solve for one dataset where the second contrast is half of the first, and for one where it is 1 less that."""
    images = images_of()
    images[:3, 1], images[3:, 1] = images[:3, 0] / 2, 1 - images[3:, 0]
    shortcut = Regression(modalities=4, voxels=2000, for_each="dataset")
    shortcut.observe(told(images, 0, 0, 0, 2, 2, 2), Generator().manual_seed(0))
    shortcut.solve()
    return shortcut


def test_each_dataset_has_a_regression_of_its_own_where_it_is_asked_for():
    shortcut, fresh = of_two_datasets(), images_of()[:3]
    assert reads_dataset(torch.nn.ModuleList([shortcut])), "then a run asks for a dataset"
    assert not reads_dataset(torch.nn.ModuleList([Regression(modalities=4)]))
    answer = shortcut(told(fresh, 2, 0, 1), ask([0], 1, samples=3))[:, 0]
    torch.testing.assert_close(answer[0], 1 - fresh[0, 0], atol=1e-3, rtol=0)
    torch.testing.assert_close(answer[1], fresh[1, 0] / 2, atol=1e-3, rtol=0)
    assert not answer[2].any(), "of dataset 1 nobody was seen"


def test_a_mixture_of_datasets_is_answered_by_its_mean_and_one_that_was_added_later_by_that_of_all():
    shortcut, fresh, query = of_two_datasets(), images_of()[:1], ask([0], 1, samples=1)
    each = [shortcut(told(fresh, number), query) for number in range(3)]
    shares = torch.tensor([[0.5, 0.0, 0.3, 0.2]])
    mixed = shortcut(replace(Batch.complete(fresh), dataset=shares), query)
    torch.testing.assert_close(mixed, 0.5 * each[0] + 0.3 * each[2] + 0.2 * sum(each) / 3)
    torch.testing.assert_close(shortcut(told(fresh, 5), query), sum(each) / 3)


def test_regressions_of_several_datasets_are_read_from_a_checkpoint_as_they_were():
    shortcut, again, fresh = of_two_datasets(), Regression(modalities=4, for_each="dataset"), images_of()[:3]
    again.load_state_dict(shortcut.state_dict())
    batch, query = told(fresh, 2, 0, 1), ask([0, 2], 1, 3, samples=3)
    assert torch.equal(again(batch, query), shortcut(batch, query))
    with pytest.raises(RuntimeError, match="size mismatch"):
        Regression(modalities=3).load_state_dict(shortcut.state_dict(), strict=False)


@pytest.mark.parametrize(("shape", "dimensions"), [((5, 6, 7), 2), ((5, 6, 7), 3)])
def test_neighbours_lie_along_the_last_axes(shape, dimensions):
    images, query = torch.rand(4, 4, *shape), ask([0], 1, samples=4)
    images[:, 1] = images[:, 0].roll(1, 1)  # what lies before it along the first axis
    images[:, 1, 0] = 0
    shortcut = solved(images, ALL[:4], dimensions=dimensions)
    error = (shortcut(Batch.complete(images), query)[:, 0] - images[:, 1]).abs().mean()
    assert (error < 1e-2) == (dimensions == 3)


def test_voxels_are_answered_in_portions_that_do_not_matter(monkeypatch):
    shortcut, images = solved(images_of()), images_of()
    whole = shortcut(Batch.complete(images), ask([0, 1], 2))
    monkeypatch.setattr(regression, "VOXELS", 50)
    torch.testing.assert_close(shortcut(Batch.complete(images), ask([0, 1], 2)), whole)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"modalities": 11}, "it takes 10 at most"),
        ({"knots": 1}, "it needs two knots"),
        ({"pairs": 1}, "it needs two knots"),
        ({"reach": -1}, "a reach of 0 or more"),
        ({"voxels": 0}, "a voxel"),
        ({"ridge": 0}, "a ridge above 0"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        Regression(**{"modalities": 3, **wrong})
