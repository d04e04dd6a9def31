"""A network stacked on a regression, with shares that are the least squares of each choice of sources."""

from dataclasses import replace

import pytest
import torch
from torch import Generator
from toys import one_hot

from anysyn.blends import Stacked
from anysyn.points import Points, sample_at
from anysyn.shortcuts import Gain, Regression
from anysyn.types import Batch, Outcome

SHAPE = (6, 8)


def random(*shape, seed=0):
    return torch.rand(*shape, generator=Generator().manual_seed(seed))


def batch_of(samples=4, **rest):
    images = random(samples, 3, *SHAPE)
    return replace(Batch.complete(images), **rest)


def regression_of(batch, **options):
    shortcut = Regression(modalities=3, knots=4, pairs=2, **options)
    shortcut.observe(batch, Generator().manual_seed(0))
    shortcut.solve()
    return shortcut


def ask(batch, sources, targets=((1, 2),)):
    return batch.ask(torch.tensor(sources), torch.tensor(targets).expand(len(sources), -1))


def outcome_of(batch, query, answers, mask=None):
    truth = batch.images.gather(1, query.targets[..., None, None].expand(-1, -1, *SHAPE))
    mask = torch.ones(query.targets.shape, dtype=torch.bool) if mask is None else mask
    return Outcome(batch, query, answers, truth, mask, features=None)


def test_shares_are_the_least_squares_of_each_choice_of_sources_and_target():
    batch = batch_of()
    blend = Stacked(modalities=3, of=regression_of(batch))
    query = ask(batch, [[0, 2], [2, 0], [0, 0], [0, 0]], ((1,),))  # two choices, whatever their order
    seen = outcome_of(batch, query, batch.images[:, 1:2] + 0.2 * random(4, 1, *SHAPE, seed=1))
    for rows in (slice(0, 3), slice(3, 4)):
        part = batch.take(rows)
        blend.weigh(outcome_of(part, ask(part, query.sources[rows].tolist(), ((1,),)), seen.prediction[rows]))
    blend.solve()
    direct = blend.of(batch, query)
    for rows, choice in ((slice(0, 2), 5), (slice(2, 4), 1)):
        ours, best = ((x - direct)[rows].reshape(-1, 1) for x in (seen.prediction, seen.truth))
        expected = torch.linalg.lstsq(ours, best).solution.item()
        assert 0 < expected < 1
        assert blend.shares[0, choice, 1].item() == pytest.approx(expected, abs=1e-5)
    assert blend.shares[0, 4, 1] == blend.shares[0, 1, 1], "one source as well, and it never came up"
    blend.shares[0, [1, 4, 5], 1] = 1
    assert blend.shares.eq(1).all()


def test_the_mix_is_no_worse_on_what_it_was_solved_on_than_either_alone():
    batch = batch_of()
    blend, query = Stacked(modalities=3, of=regression_of(batch)), ask(batch, [[0]] * 4)
    seen = outcome_of(batch, query, batch.images[:, 1:] + 0.3 * random(4, 2, *SHAPE, seed=2))
    blend.weigh(seen)
    blend.solve()
    assert blend.solved
    mixed, direct = blend(seen.prediction, batch, query), blend.of(batch, query)
    errors = [(x - seen.truth).square().mean((0, 2, 3)) for x in (mixed, seen.prediction, direct)]
    assert (errors[0] < torch.minimum(errors[1], errors[2])).all()


def test_a_share_stays_between_none_and_all():
    batch = batch_of()
    blend, query = Stacked(modalities=3, of=regression_of(batch)), ask(batch, [[0]] * 4)
    direct, truth = blend.of(batch, query), batch.images[:, 1:]
    away, halfway = direct - (truth - direct), direct + (truth - direct) / 2  # where less than 0, and 2, would be best
    answers = torch.stack([away[:, 0], halfway[:, 1]], 1)
    blend.weigh(outcome_of(batch, query, answers))
    blend.solve()
    assert blend.shares[0, 1].tolist() == [1.0, 0.0, 1.0]
    torch.testing.assert_close(blend(answers, batch, query), torch.stack([direct[:, 0], halfway[:, 1]], 1))


def test_until_it_is_solved_the_network_alone_answers_and_the_regression_is_not_asked():
    batch = batch_of()
    blend, query, answers = Stacked(modalities=3, of=Regression(modalities=3)), ask(batch, [[0]] * 4), random(4, 2, 2)
    blend.solve()  # where nothing was weighed
    assert not blend.solved
    blend.of = None
    assert blend(answers, batch, query) is answers


def test_only_what_has_a_truth_and_was_not_shown_is_weighed():
    batch = batch_of()
    blend = Stacked(modalities=3, of=regression_of(batch))
    query = ask(batch, [[0]] * 4, ((0, 1, 2),))
    mask = torch.tensor([[True, True, False]]).expand(4, -1)
    batch.images[:, 2] = float("nan")  # absent, and asked for
    answers = random(4, 3, *SHAPE, seed=3)
    blend.weigh(outcome_of(batch, query, answers, mask))
    blend.solve()
    assert blend.shares[0, 1, 0] == blend.shares[0, 1, 2] == 1
    assert 0 <= blend.shares[0, 1, 1] < 1
    assert torch.isfinite(blend(answers, batch, query)[:, :2]).all()


def test_at_points_the_regression_is_read_there():
    points = Points(random(4, 10, 2, seed=4) * 2 - 1, torch.ones(4, 2))
    batch = batch_of(points=points)
    blend, query = Stacked(modalities=3, of=regression_of(batch)), ask(batch, [[0]] * 4)
    truth, answers = sample_at(batch.images[:, 1:], points), random(4, 2, 10, seed=5)
    blend.weigh(Outcome(batch, query, answers, truth, torch.ones(4, 2).bool(), features=None))
    blend.solve()
    assert blend.solved
    direct = sample_at(blend.of(batch, query), points)
    expected = torch.lerp(direct, answers, blend.shares[0, 1, 1:].reshape(1, 2, 1))
    torch.testing.assert_close(blend(answers, batch, query, points), expected)


def test_a_shortcut_that_learns_by_steps_is_refused():
    with pytest.raises(ValueError, match=r"Gain learns by steps.*regression"):
        Stacked(modalities=3, of=Gain(modalities=3))


def test_a_dataset_that_was_added_later_is_answered_by_the_network_alone_and_a_mixture_in_part():
    batch = batch_of()
    blend, query, answers = Stacked(modalities=3, of=regression_of(batch)), ask(batch, [[0]] * 4), random(4, 2, *SHAPE)
    batch = replace(batch, dataset=one_hot(0, 1, 1, 0))
    blend.weigh(outcome_of(batch, query, answers))
    blend.solve()
    known = blend(answers, batch, query)
    new = blend(answers, replace(batch, dataset=one_hot(0, 2, 1, 3)), query)
    assert torch.equal(new[[0, 2]], known[[0, 2]])
    torch.testing.assert_close(new[[1, 3]], answers[[1, 3]])
    assert torch.equal(blend(answers, replace(batch, dataset=one_hot(2, 2, 2, 2)), query), answers)
    mixture = torch.tensor([0.25, 0.25, 0.5]).expand(4, 3)
    mixed = blend(answers, replace(batch, dataset=mixture), query)
    torch.testing.assert_close(mixed, (known + answers) / 2)


def test_where_each_dataset_has_a_regression_it_has_shares_of_its_own():
    batch = replace(batch_of(), dataset=one_hot(0, 0, 1, 1))
    query, answers = ask(batch, [[0]] * 4, ((1,),)), random(4, 1, *SHAPE, seed=6)
    shares = {}
    for option in ("dataset", "cohort"):
        blend = Stacked(modalities=3, of=regression_of(batch, for_each=option))
        blend.weigh(outcome_of(batch, query, answers))
        blend.solve()
        shares[option] = blend.shares[:, 1, 1]
        again = Stacked(modalities=3, of=Regression(modalities=3, knots=4, pairs=2, for_each=option))
        again.load_state_dict(blend.state_dict())
        assert torch.equal(again(answers, batch, query), blend(answers, batch, query))
    assert shares["dataset"][0] != shares["dataset"][1]
    assert shares["cohort"][0] == shares["cohort"][1]
