"""The objective of MM-Synth: losses of all sources together and of each alone, and the variance of what they encode."""

import pytest
import torch
from toys import PROMPTED, M, batch_of

from anysyn.decoders import DenseDecoder, PerModalityDecoder
from anysyn.encoders import FusedEncoder, LatentUNetEncoder
from anysyn.losses import L1
from anysyn.objectives import AloneAndTogether
from anysyn.synthesizer import Synthesizer
from anysyn.types import Query


def model():
    torch.manual_seed(0)
    design = LatentUNetEncoder(modalities=M, dimensions=2, widths=(4, 8), out=6, inputs="stack")
    encoder = FusedEncoder(names=PROMPTED, of=design)
    decoder = DenseDecoder(widths=encoder.widths, strides=encoder.strides, dimensions=2, width=4)
    return Synthesizer(encoder=encoder, decoder=PerModalityDecoder(names=PROMPTED, of=decoder))


def test_the_terms_against_a_loop():
    batch, synthesizer = batch_of((8, 8)), model()
    query = Query(torch.tensor([[0, 2, 3]] * 2), torch.tensor([[1, 0]] * 2))
    terms = AloneAndTogether(model=synthesizer, losses=[L1(weight=2.0)], agreement=0.5)(batch, query)
    answers = [
        synthesizer(batch, Query(torch.tensor([shown] * 2), query.targets)) for shown in ([0, 2, 3], [0], [2], [3])
    ]
    errors = [(answer.images - batch.images[:, [1, 0]]).abs().mean() for answer in answers]
    torch.testing.assert_close(terms["l1"], 2 * sum(errors) / 4)
    latent = torch.stack([answer.features.deep for answer in answers[1:]])
    torch.testing.assert_close(terms["agreement"], 0.5 * ((latent - latent.mean(0)) ** 2).mean())


@pytest.mark.parametrize("agreement", [0.0, 1.0])
def test_one_source_is_asked_once_and_agrees_with_itself(agreement):
    synthesizer, calls = model(), []
    synthesizer.register_forward_hook(lambda *_: calls.append(1))
    objective = AloneAndTogether(model=synthesizer, losses=[L1()], agreement=agreement)
    terms = objective(batch_of((8, 8)), Query(torch.tensor([[1]] * 2), torch.tensor([[3]] * 2)))
    assert (len(calls), terms["agreement"].item()) == (1, 0.0)


def test_the_agreement_reaches_the_encoders_of_all_sources():
    batch, synthesizer = batch_of((8, 8)), model()
    query = Query(torch.tensor([[0, 2]] * 2), torch.tensor([[1]] * 2))
    AloneAndTogether(model=synthesizer, losses=[], agreement=1.0)(batch, query)["agreement"].backward()
    used = {
        name
        for name, one in synthesizer.encoder.own.encoders.items()
        if any(p.grad is not None and p.grad.any() for p in one.parameters())
    }
    assert used == {"T1w", "T2w"}
