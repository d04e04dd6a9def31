"""Networks with an implicit decoder on the grid of the input are exported, and answer as they do on a lattice."""

from __future__ import annotations

import pytest
import torch
from toys import M, decoder_of, encoder_of

from anysyn.exporting.fixed_network import FixedNetwork
from anysyn.exporting.formats import AGREES, exported_program
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Query


@pytest.mark.parametrize("name", ["liif", "trilinear"])
def test_an_implicit_decoder_is_exported(name):
    encoder = encoder_of("resnet", 2)
    model = Synthesizer(encoder=encoder, decoder=decoder_of(name, encoder)).eval()
    images = torch.rand(1, M, 12, 14)
    batch, query = Batch.complete(images), Query(torch.tensor([[0]]), torch.tensor([[2]]))
    network = FixedNetwork(model, M, [0], 2, (batch, query)).eval()
    program, freedom = exported_program(network, images[:, :1])
    assert freedom.size
    for size in ((12, 14), (17, 9)):
        shown = torch.rand(1, 1, *size)
        canvas = torch.zeros(1, M, *size)
        canvas[:, :1] = shown
        with torch.no_grad():
            expected = model(Batch.complete(canvas), query).images
            torch.testing.assert_close(program.module()(shown), expected, atol=AGREES, rtol=0)
