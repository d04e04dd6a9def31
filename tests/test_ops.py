import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anysyn.ops import (
    for_rows,
    pad_to_multiple,
    pick,
    rejoin,
    resolve,
    rows_by_value,
    shown,
    spread,
)


def test_pick_agrees_with_a_loop():
    images, which = torch.rand(3, 4, 2, 5), torch.tensor([[3, 0], [1, 1], [2, 3]])
    expected = torch.stack([torch.stack([images[b, m] for m in row]) for b, row in enumerate(which.tolist())])
    assert torch.equal(pick(images, which), expected)


def test_what_is_not_shown_is_never_read():
    images = torch.full((1, 3, 2), float("nan"))
    images[0, 1] = 2.0
    assert shown(images, torch.tensor([[1]])).tolist() == [[[0, 0], [2, 2], [0, 0]]]


def test_spread_appends_axes():
    assert spread(torch.rand(2, 3), torch.rand(2, 3, 4, 5, 6)).shape == (2, 3, 1, 1, 1)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=3), st.integers(1, 8), st.integers(1, 2))
def test_padding_makes_multiples_and_is_undone(shape, multiple, axes):
    images = torch.rand(1, 2, *shape)
    padded, back = pad_to_multiple(images, multiple, axes)
    assert all(n % multiple == 0 for n in padded.shape[-axes:])
    assert padded.shape[: images.ndim - axes] == images.shape[: images.ndim - axes]
    assert torch.equal(padded[back], images)


def test_resolve_gives_the_nearest_match():
    with pytest.raises(ValueError, match=r"here: 'T2' is unknown; did you mean 'T2w'\?"):
        resolve("T2", ["T1w", "T2w"], "here")


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9))
def test_groups_of_rows_join_to_the_batch_they_came_from(values):
    batch, which = torch.rand(len(values), 2), torch.tensor(values)
    groups = rows_by_value(which)
    assert [value for value, _ in groups] == sorted(set(values))
    assert all((which[rows] == value).all() for value, rows in groups)
    rows = [rows for _, rows in groups]
    assert torch.equal(rejoin([batch[some] for some in rows], rows), batch)


def test_what_acts_on_a_batch_acts_alike_on_some_of_its_rows():
    batch, gains, rows = torch.rand(4, 3, 5), torch.rand(4, 3, 1), torch.tensor([3, 0])
    seen = []
    act = for_rows(lambda site, x: (seen.append(site), x * gains + gains)[1], rows, total=4)
    torch.testing.assert_close(act("decoder/in", batch[rows]), (batch * gains + gains)[rows])
    assert seen == ["decoder/in"]
