"""Whole volumes: one box about the centre in training, the volume itself at synthesis."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from anysyn.data.views import Whole
from anysyn.seeds import seeded

sides = st.tuples(*[st.integers(1, 12)] * 3)


@given(sides, sides)
def test_a_sample_is_cropped_or_padded_about_the_centre(shape, size):
    view, inside = Whole(size=size), torch.ones(shape, dtype=torch.bool)
    boxes = view.boxes(inside, inside.sum((1, 2)), view.extent([shape]))
    assert len(boxes) == 1
    image = torch.rand(1, *shape)
    seen = view.take(image, boxes.draw(0, seeded(0)), torch.tensor([-1.0]))
    assert seen.shape == (1, *size)
    kept = [min(a, b) for a, b in zip(shape, size, strict=True)]
    assert int((seen != -1).sum()) == kept[0] * kept[1] * kept[2]


def test_the_middle_stays_the_middle():
    image = torch.zeros(1, 9, 9, 9)
    image[0, 4, 4, 4] = 1
    for size in ((5, 5, 5), (13, 13, 13), (5, 13, 9)):
        view, inside = Whole(size=size), image[0] >= 0
        box = view.boxes(inside, inside.sum((1, 2)), view.extent([(9, 9, 9)])).draw(0, seeded(0))
        assert view.take(image, box)[(0, *(n // 2 for n in size))] == 1


def test_the_largest_of_the_cohort_is_the_default_and_synthesis_takes_all():
    view = Whole()
    assert view.extent([(4, 9, 2), (5, 3, 3)]) == (5, 9, 3)
    [box] = Whole(size=(2, 2, 2)).tiles(torch.ones(5, 6, 7, dtype=torch.bool))
    assert (box.start, box.size) == ((0, 0, 0), (5, 6, 7))
    answer = torch.rand(2, 5, 6, 7)
    assert torch.equal(view.give(view.take(answer, box), box), answer)
