import torch
from toys import batch_of, query_of, synthesizer

from anysyn.points import lattice
from anysyn.synthesizer import Gain
from anysyn.types import Batch, Query


def test_gain_is_a_sum_over_sources_written_out():
    images, query = torch.rand(2, 3, 4, 5), Query(torch.tensor([[0, 1], [2, 0]]), torch.tensor([[2], [1]]))
    shortcut = Gain(modalities=3)
    shortcut.gains.data = torch.arange(9.0).reshape(3, 3)
    answer = shortcut(Batch.complete(images), query)
    torch.testing.assert_close(answer[0, 0], (2 * images[0, 0] + 5 * images[0, 1]) / 2)
    torch.testing.assert_close(answer[1, 0], (7 * images[1, 2] + 1 * images[1, 0]) / 2)


def test_a_shortcut_is_not_made_to_compute_what_is_padded():
    model, seen = synthesizer().eval(), []
    model.shortcut = Gain(modalities=4)
    model.shortcut.register_forward_pre_hook(lambda _, given: seen.append(given[0].images.shape[2:]))
    model(batch_of((13, 21)), query_of())
    model(batch_of((13, 21)), query_of(), lattice((13, 21)))
    assert seen == [(13, 21)] * 2


def test_a_synthesizer_adds_its_shortcut_on_the_grid_and_at_points():
    plain, batch = synthesizer().eval(), batch_of((13, 21))
    dense = plain(batch, query_of()).images
    plain.shortcut = Gain(modalities=4)
    plain.shortcut.gains.data[0, 2] = 0.5
    added = plain(batch, query_of()).images
    torch.testing.assert_close(added, dense + 0.5 * batch.images[:, :1])
    asked = plain(batch, query_of(), lattice((13, 21))).images
    torch.testing.assert_close(asked, added, atol=1e-4, rtol=0)
