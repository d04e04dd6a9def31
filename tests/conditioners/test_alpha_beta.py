"""The conditioner of UniSyn: one meaning whether shown or asked for, exact, float32, and folded into the decoder."""

import pytest
import torch
from toys import PROMPTED, M, batch_of, clip, query_of

from anysyn.acquisition import Acquisition
from anysyn.conditioners import AlphaBeta, FiLM
from anysyn.decoders import CNNDecoder, MLPDecoder
from anysyn.descriptors import ModalityLabel, NumericMetadata, TextPrompt
from anysyn.encoders import PerModalityEncoder, ResNetEncoder, UNetEncoder
from anysyn.errors import RecipeError, UserError
from anysyn.synthesizer import Synthesizer
from anysyn.types import Condition, Decoder, Query, Site

BOTTLENECK = (Site("encoder/out", 6, "deep"), Site("decoder/in", 6, "deep"))
READS = {
    "modality": lambda: ModalityLabel(modalities=M, width=5),
    "metadata": lambda: NumericMetadata(modalities=M, width=5),
    "text": lambda: TextPrompt(names=PROMPTED, clip=clip(tokens=224)),
}


def moved(module, size=0.3):
    """Take a module away from the identity that it begins as."""
    for parameter in module.parameters():
        parameter.data += size * torch.randn_like(parameter)
    return module


def arithmetic_of(reads="modality", sites=BOTTLENECK, **keys):
    torch.manual_seed(0)
    return moved(AlphaBeta(sites=sites, reads=READS[reads](), **{"hidden": (16,), **keys}))


def network(reads="modality", depth=1):
    torch.manual_seed(1)
    encoder = ResNetEncoder(modalities=M, dimensions=2, depth=depth, blocks=2, width=8, out=6, inputs="stack")
    decoder = MLPDecoder(widths=(6,), strides=(1,), dimensions=2, depth=depth, hidden=(16, 12), chunk=37)
    sites = [site for site in (*encoder.sites, *decoder.sites) if site.level]
    return Synthesizer(encoder=encoder, decoder=decoder, conditioners=[arithmetic_of(reads, sites)]).eval()


def asked(source, target, echo_time_ms=None):
    """Show and ask with the records of both, so that a descriptor that reads them has something to read."""
    records = [(Acquisition(modality=PROMPTED[m], echo_time_ms=echo_time_ms),) for m in (source, target)]
    which = [torch.tensor([[m]] * 2) for m in (source, target)]
    return Query(*which, (records[0],) * 2, (records[1],) * 2)


def through(arithmetic, features, source, target):
    condition = arithmetic.embed(batch_of((4, 4)), asked(source, target, echo_time_ms=80.0))
    return arithmetic(arithmetic(features, condition, "encoder/out"), condition, "decoder/in")


@pytest.mark.parametrize("reads", READS)
def test_the_source_as_target_changes_nothing_and_a_way_back_returns(reads):
    arithmetic, features = arithmetic_of(reads), torch.randn(2, 6, 4, 5)
    torch.testing.assert_close(through(arithmetic, features, 1, 1), features, atol=1e-5, rtol=1e-5)
    there = through(arithmetic, features, 0, 2)
    assert (there - features).abs().max() > 0.1
    torch.testing.assert_close(through(arithmetic, there, 2, 0), features, atol=1e-5, rtol=1e-5)


def test_the_role_does_not_matter():
    arithmetic, batch = arithmetic_of("metadata"), batch_of((4, 4))
    shown = arithmetic.embed(batch, asked(1, 2, echo_time_ms=20.0))
    wanted = arithmetic.embed(batch, asked(2, 1, echo_time_ms=20.0))
    for of_source, of_target in zip(
        arithmetic.contrast(arithmetic.tokens(shown, "encoder/out"), "encoder/out"),
        arithmetic.contrast(arithmetic.tokens(wanted, "decoder/in"), "decoder/in"),
        strict=True,
    ):
        assert torch.equal(of_source, of_target)


def test_it_begins_as_the_identity_and_learns():
    arithmetic = AlphaBeta(sites=BOTTLENECK, reads=READS["modality"](), hidden=(16,))
    features, optimizer = torch.randn(2, 6, 4, 5), torch.optim.SGD(arithmetic.parameters(), lr=1.0)
    assert torch.equal(through(arithmetic, features, 0, 2), features)
    for _ in range(2):  # what stands before the zeros of the last layer learns from the second step on
        optimizer.zero_grad()
        (through(arithmetic, features, 0, 2) - 1).square().mean().backward()
        optimizer.step()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in arithmetic.parameters())


def test_alpha_is_bounded():
    arithmetic = moved(arithmetic_of(bound=4.0, hidden=()), size=1e4)
    alpha, _ = arithmetic.contrast(torch.randn(50, 1, 5), "decoder/in")
    assert alpha.min() >= 0.2499
    assert alpha.max() <= 4.0001


def test_it_is_float32_under_autocast():
    arithmetic, features = arithmetic_of("metadata"), torch.randn(2, 6, 4, 5)
    expected = through(arithmetic, features, 0, 2)
    with torch.autocast("cpu", torch.bfloat16):
        found = through(arithmetic, features, 0, 2)
        from_lower = through(arithmetic, features.bfloat16(), 1, 1)
    assert torch.equal(found, expected)
    torch.testing.assert_close(from_lower, features.bfloat16().float(), atol=1e-5, rtol=1e-5)


def test_skips_have_a_mapping_each_that_both_sides_share():
    encoder = UNetEncoder(modalities=M, dimensions=2, widths=(8, 12, 16))
    decoder = CNNDecoder(widths=encoder.widths, dimensions=2)
    sites = [site for site in (*encoder.sites, *decoder.sites) if site.level]
    arithmetic = arithmetic_of(sites=sites)
    assert {level: head.outputs for level, head in arithmetic.heads.items()} == {"deep": 32, "skip0": 16, "skip1": 24}
    model = Synthesizer(encoder=encoder, decoder=decoder, conditioners=[arithmetic]).eval()
    batch, same = batch_of((8, 12)), asked(1, 1)
    expected = Synthesizer(encoder=encoder, decoder=decoder).eval()(batch, same).images
    torch.testing.assert_close(model(batch, same).images, expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(model(batch, asked(1, 2)).images, expected, atol=1e-2)


def test_the_encoders_of_each_modality_share_one_mapping():
    design = UNetEncoder(modalities=M, dimensions=2, widths=(6,), inputs="stack")
    encoder = PerModalityEncoder(names=PROMPTED, of=design)
    sites = [*(site for site in encoder.sites if site.level), BOTTLENECK[1]]
    assert list(arithmetic_of(sites=sites).heads) == ["deep"]


def unfolded(model, batch, query):
    """Answer with a decoder that does not know what acts, and so lays the features of each target out."""

    class Blind(Decoder):
        def forward(self, features, targets, modulate, places=None):
            return model.decoder(features, targets, lambda site, x: modulate(site, x), places)

    blind = Synthesizer(encoder=model.encoder, decoder=Blind(), conditioners=list(model.conditioners))
    return blind(batch, query).images


@pytest.mark.parametrize("depth", [1, 3])
def test_folded_into_the_decoder_it_answers_the_same(depth):
    model, shape = network(depth=depth), (3, 9, 11)[3 - 2 - (depth > 1) :]
    batch, query = batch_of(shape), query_of((3, 1, 2))
    called = []
    model.conditioners[0].register_forward_hook(lambda module, given, answer: called.append(given[2]))
    with torch.no_grad():
        folded = model(batch, query).images
        assert called == ["encoder/out"]
        expected = unfolded(model, batch, query)
    torch.testing.assert_close(folded, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(model(batch, query).images, expected, atol=1e-5, rtol=1e-5)  # as in training
    assert called[-1] == "decoder/in"
    assert (folded[:, 0] - folded[:, 1]).abs().max() > 1e-3


def test_folded_with_another_conditioner_in_front_it_answers_the_same():
    model = network()
    film = moved(FiLM(sites=[BOTTLENECK[1]], reads=READS["modality"]()))
    model = Synthesizer(encoder=model.encoder, decoder=model.decoder, conditioners=[film, *model.conditioners]).eval()
    with torch.no_grad():
        batch, query = batch_of((9, 11)), query_of((3, 1))
        torch.testing.assert_close(model(batch, query).images, unfolded(model, batch, query), atol=1e-5, rtol=1e-5)


def test_many_targets_encode_once():
    model, calls = network("metadata"), []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    model(batch_of((8, 8)), query_of((0, 1, 2, 3)))
    assert len(calls) == 1


def test_several_sources_are_refused_with_a_remedy():
    arithmetic = arithmetic_of()
    with pytest.raises(UserError, match="the query names 2; ask with one source"):
        arithmetic(torch.zeros(2, 6, 4, 4), Condition(torch.zeros(2, 2, 5), torch.zeros(2, 1, 5)), "encoder/out")


@pytest.mark.parametrize(
    ("sites", "keys", "message"),
    [
        (BOTTLENECK[:1], {}, "encoder/out has no partner"),
        (BOTTLENECK[1:], {}, "decoder/in has no partner"),
        ((*BOTTLENECK, Site("encoder/block0", 6)), {}, "encoder/block0 has no partner"),
        (BOTTLENECK, {"bound": 1.0}, "bound 1.0 must be above 1"),
    ],
)
def test_what_cannot_work_is_refused(sites, keys, message):
    with pytest.raises(RecipeError, match=message):
        arithmetic_of(sites=sites, **keys)
