import torch
from torch import Generator

from anysyn.blends.shares import askable, solved_shares


def sums_of(*cells):
    """Lay out sums for three modalities: choice, target, products, squares, images of each cell."""
    sums = torch.zeros(3, 8, 3, dtype=torch.float64)
    for choice, target, *values in cells:
        sums[:, choice, target] = torch.tensor(values, dtype=torch.float64)
    return sums


def test_a_share_is_the_least_squares_with_one_more_image_that_is_as_all_choices_of_as_many_sources_say():
    asked = askable([7], 3)
    shares = solved_shares(sums_of((1, 2, 6.0, 10.0, 5.0), (2, 2, 1.0, 20.0, 3.0), (3, 2, 4.0, 5.0, 2.0)), asked)
    typical, alike = (10 + 20) / (5 + 3), (6 + 1) / (10 + 20)  # squares of an image, and the share of both
    for choice, products, squares in ((1, 6.0, 10.0), (2, 1.0, 20.0)):
        # the least of products, squares x^2 - 2 products x, and of one image typical (x - alike)^2, by brute force
        x = torch.linspace(0, 1, 100001, dtype=torch.float64)
        error = squares * x**2 - 2 * products * x + typical * (x - alike) ** 2
        assert abs(shares[choice, 2] - x[error.argmin()]) < 1e-5
    assert abs(shares[3, 2] - 4 / 5) < 1e-12, "the only choice of two that leaves this target out"


def test_a_choice_that_never_came_up_has_the_share_of_those_alike_and_what_nobody_has_is_left_to_the_network():
    asked = askable([7], 3)
    asked[4, 1] = False
    shares = solved_shares(sums_of((1, 1, 1.0, 4.0, 2.0)), asked)
    assert shares[1, 1] == 0.25
    assert shares[4, 1] == 1
    shares = solved_shares(sums_of((1, 1, 1.0, 4.0, 2.0)), askable([7], 3))
    assert shares[4, 1] == 0.25
    assert shares[5, 1] == 1, "no choice of two came up for it"


def test_shares_lie_between_none_and_all():
    sums = torch.randn(3, 8, 3, generator=Generator().manual_seed(0), dtype=torch.float64) * 5
    sums[1:] = sums[1:].abs() + 0.1
    shares = solved_shares(sums, askable([7], 3))
    assert shares.min() == 0
    assert shares.max() == 1


def test_what_may_be_asked_is_what_some_sample_has_beside_the_sources():
    brute = {
        (choice, target)
        for held in ({0, 1}, {1, 2, 3})
        for choice in range(1, 16)
        for target in held
        if (members := {m for m in range(4) if choice >> m & 1}) <= held and target not in members
    }
    assert {tuple(cell) for cell in askable([3, 14], 4).nonzero().tolist()} == brute
