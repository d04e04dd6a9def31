"""Synthesis without pairs: no truth is read, and with two modalities the two generators share nothing."""

import pytest
import torch
from toys import batch_of, discriminator_of

from anysyn.objectives import Cycle, UnpairedDiscrimination
from anysyn.queries import Unpaired
from anysyn.registry import build
from anysyn.synthesizer import Synthesizer
from anysyn.types import Query, Synthesis

QUERY = Query(torch.tensor([[0], [2]]), torch.tensor([[2], [0]]))


def brighter(by):
    """Return a model that answers its source, made brighter by what is given for each target."""

    def answer(batch, query):
        source = batch.images.gather(1, query.sources[:, :, None, None].expand(-1, -1, *batch.images.shape[2:]))
        return Synthesis(source + torch.tensor(by)[query.targets][:, :, None, None], None)

    return answer


def objective_of(model, **weights):
    made = Cycle(model=None, discriminator=discriminator_of(), **weights)
    made.model = model
    return made


def test_what_comes_back_and_what_is_left_alone_cost_nothing():
    terms = objective_of(brighter([0.0, 0.0, 0.0, 0.0]))(batch_of((16, 16)), QUERY)
    assert (terms["cycle"], terms["identity"]) == (0, 0)


def test_a_way_back_that_misses_costs_its_distance():
    terms = objective_of(brighter([0.2, 0.0, 0.3, 0.0]), cycle=10.0, identity=5.0)(batch_of((16, 16)), QUERY)
    assert terms["cycle"].item() == pytest.approx(10 * 0.5, rel=1e-5)  # 0.2 + 0.3 either way round
    assert terms["identity"].item() == pytest.approx(5 * (0.2 + 0.3) / 2, rel=1e-5)


def test_no_truth_is_read():
    """Each sample has its source alone, so that no subject has two contrasts."""
    batch = batch_of((16, 16))
    hidden = torch.ones(2, 4, dtype=torch.bool).scatter(1, QUERY.sources, False)
    batch.images[hidden], batch.available[hidden] = float("nan"), False
    model = generators()
    query = Unpaired(names=["a", "b", "c", "d"], targets=["a", "c"]).draw(batch, torch.Generator().manual_seed(0))
    assert torch.equal(query.sources, QUERY.sources)
    assert torch.equal(query.targets, QUERY.targets)
    judges = discriminator_of()
    terms = Cycle(model=model, discriminator=judges)(batch, query)
    terms |= UnpairedDiscrimination(model=model, discriminator=judges)(batch, query)
    sum(terms.values()).backward()
    assert all(torch.isfinite(term) for term in terms.values())
    assert all(p.grad.isfinite().all() for p in (*model.parameters(), *judges.parameters()) if p.grad is not None)


def generators():
    torch.manual_seed(0)
    names = ("a", "b", "c", "d")
    given = {"modalities": 4, "names": names, "dimensions": 2}
    small = {"width": 4, "blocks": 1, "norm": "instance", "inputs": "stack"}
    of = build("encoder", {"name": "downsampled_resnet", **small}, **given)
    encoder = build("encoder", {"name": "per_modality", "of": of}, **given)
    given |= {"widths": encoder.widths, "strides": encoder.strides}
    of = build("decoder", {"name": "transposed", "norm": "instance"}, **given)
    return Synthesizer(encoder=encoder, decoder=build("decoder", {"name": "per_modality", "of": of}, **given))


def test_the_generators_of_two_modalities_share_no_weight():
    used = []
    for query in (QUERY, QUERY.reversed()):
        model = generators()
        model(batch_of((16, 16)).take(slice(0, 1)), Query(query.sources[:1], query.targets[:1])).images.sum().backward()
        used.append({name for name, p in model.named_parameters() if p.grad is not None})
    assert used[0]
    assert not used[0] & used[1]


def test_the_discriminator_learns_from_all_real_images_of_what_is_asked():
    batch, seen = batch_of((16, 16)), []
    judges = discriminator_of()
    judges.register_forward_hook(lambda module, given, out: seen.append(given[1].tolist()))
    made = UnpairedDiscrimination(model=None, discriminator=judges)
    made.model = brighter([0.0] * 4)
    assert set(made(batch, QUERY)) == {"fake", "real"}
    assert seen == [[2, 0], [0, 2, 0, 2]]


def test_a_discriminator_of_pairs_is_refused():
    judges = discriminator_of("patchgan")
    judges.beside = "stack"
    for objective in (Cycle, UnpairedDiscrimination):
        with pytest.raises(ValueError, match="sees the stack of the sources"):
            objective(model=None, discriminator=judges)
