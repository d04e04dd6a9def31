"""Sample pictures, against the images they show."""

import numpy as np
import torch
from PIL import Image

from anysyn.training.pictures import TITLE, WIDTH, draw
from anysyn.types import Batch, Query

NAMES = ("T1w", "T2w", "FLAIR")


def panels(path, shape, query):
    batch = Batch.complete(torch.rand(2, 3, *shape))
    prediction, truth = torch.rand(2, 1, *shape), torch.rand(2, 1, *shape)
    draw(path, batch, query, prediction, truth, NAMES)
    drawn = np.asarray(Image.open(path))
    first = drawn[: len(drawn) // 2]  # a row for each sample
    return np.split(first[TITLE:], 4, axis=1), (batch.images[0, query.sources[0, 0]], truth[0, 0], prediction[0, 0])


def test_a_row_shows_source_truth_and_synthesis_anterior_up(tmp_path):
    query = Query(torch.tensor([[2], [2]]), torch.tensor([[1], [1]]))
    shown, images = panels(tmp_path / "drawn.png", (WIDTH, 150), query)
    for panel, image in zip(shown, images, strict=False):
        assert panel.shape == (150, WIDTH)
        assert np.array_equal(panel, (image.numpy().T[::-1] * 255).astype(np.uint8))


def test_small_images_are_enlarged_so_that_a_title_fits(tmp_path):
    query = Query(torch.tensor([[0], [0]]), torch.tensor([[1], [1]]))
    shown, images = panels(tmp_path / "drawn.png", (41, 49), query)
    assert all(panel.shape == (4 * 49, 4 * 41) for panel in shown)
    assert np.array_equal(shown[0][2::4, 1::4], (images[0].numpy().T[::-1] * 255).astype(np.uint8))
