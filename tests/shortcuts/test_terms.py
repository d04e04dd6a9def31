import numpy as np
import pytest
import torch

from anysyn.shortcuts.terms import Terms


def by_hand(known, terms, weights):
    """Answer for one voxel, known in (J, P), from weights by the name of each term."""

    def hat(value, knots, k):
        return np.interp(value, np.linspace(0, 1, knots), np.eye(knots)[k])

    sources, total = range(len(known)), weights["one"]
    for label, weight in weights.items():
        match label:
            case ("around", m, p):
                total += weight * known[m][p]
            case ("own", m, k):
                total += weight * hat(known[m][terms.around // 2], terms.knots, k)
            case ("mean", m, k):
                total += weight * hat(np.mean(known[m]), terms.knots, k)
            case ("both", a, b, k):
                values = (known[n][terms.around // 2] for n in (a, b))
                first, second = divmod(k, terms.pairs)
                total += weight * np.prod(
                    [hat(v, terms.pairs, i) for v, i in zip(values, (first, second), strict=True)]
                )
    assert len(sources) == len(known)
    return total


@pytest.mark.parametrize("sources", [1, 2, 3])
def test_the_terms_are_what_their_names_say(sources):
    terms, known = Terms(knots=5, pairs=3, around=9), 1.2 * torch.rand(4, sources, 9)
    labels = terms.labels(range(sources))
    weights = torch.rand(len(labels))
    answers = terms.of(known) @ weights
    named = dict(zip(labels, weights.tolist(), strict=True))
    for row, answer in zip(known.tolist(), answers.tolist(), strict=True):
        assert answer == pytest.approx(by_hand(row, terms, named), rel=1e-4)


def test_the_terms_of_some_sources_are_among_those_of_all():
    terms, known = Terms(knots=4, pairs=2, around=9), torch.rand(6, 4, 9)
    all_of, some = [0, 2, 3, 5], [2, 5]
    places = terms.places(terms.labels(some), all_of)
    torch.testing.assert_close(terms.of(known)[:, places], terms.of(known[:, [1, 3]]))


def test_a_source_itself_is_its_intensity_at_the_voxel():
    terms, known = Terms(knots=4, pairs=2, around=9), torch.rand(6, 2, 9)
    (place,) = terms.places([terms.itself(3)], [1, 3])
    torch.testing.assert_close(terms.of(known)[:, place], known[:, 1, 4])
