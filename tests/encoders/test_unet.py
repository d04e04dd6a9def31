"""Sources as channels, against plain indexing."""

import pytest
import torch

from anysyn.encoders.unet import source_channels


def laid_out(inputs, images, sources, depth=1):
    expected = depth * (images if inputs == "canvas" else sources).shape[1]
    return source_channels(images, sources, inputs, depth=depth, expected=expected)


def test_a_stack_holds_the_sources_in_the_order_of_the_query():
    images, sources = torch.rand(2, 4, 6, 5), torch.tensor([[3, 0], [1, 2]])
    expected = torch.stack([images[0, [3, 0]], images[1, [1, 2]]])
    assert torch.equal(laid_out("stack", images, sources), expected)


def test_a_canvas_holds_each_source_at_its_modality():
    images, sources = torch.rand(1, 4, 6, 5), torch.tensor([[2]])
    canvas = laid_out("canvas", images, sources)
    assert torch.equal(canvas[0, 2], images[0, 2])
    assert not canvas[0, [0, 1, 3]].any()


@pytest.mark.parametrize(("inputs", "channels"), [("stack", 6), ("canvas", 12)])
def test_the_slices_of_a_slab_are_channels_beside_each_other(inputs, channels):
    images = torch.rand(1, 4, 3, 6, 5)
    slab = laid_out(inputs, images, torch.tensor([[1, 3]]), depth=3)
    assert slab.shape == (1, channels, 6, 5)
    assert torch.equal(slab[0, 3:6], images[0, 3 if inputs == "stack" else 1])


def test_more_sources_than_channels_name_the_remedy():
    with pytest.raises(ValueError, match="built for 1 input channels but the query has 2; `inputs: canvas`"):
        source_channels(torch.rand(1, 4, 6, 5), torch.tensor([[0, 1]]), "stack", depth=1, expected=1)
