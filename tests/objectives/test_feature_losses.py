"""Content features in two-way training: what the losses are given, whom they teach, who may ask for them."""

import pytest
import torch
from toys import batch_of, conditioner_of, decoder_of, encoder_of, query_of
from trained import write_tiny

from anysyn.build import load
from anysyn.errors import RecipeError
from anysyn.losses import L1, FeatureCorrelation, FeatureL1
from anysyn.objectives import SynthesisObjective, TwoWay
from anysyn.registry import names
from anysyn.synthesizer import Synthesizer
from anysyn.types import Loss, unmodulated

FORMS = (FeatureL1, FeatureCorrelation)


class Seen(Loss):
    """Keep the outcome."""

    def forward(self, outcome):
        self.outcome = outcome
        return outcome.prediction.sum() * 0


def arithmetic(encoder="unet", dimensions=2):
    """Build a synthesizer whose contrast is taken off and put on at every level."""
    made = encoder_of(encoder, dimensions)
    decoder = decoder_of("cnn", made)
    sites = [site for site in (*made.sites, *decoder.sites) if site.level]
    return Synthesizer(encoder=made, decoder=decoder, conditioners=[conditioner_of("alpha_beta", sites, dimensions)])


@pytest.mark.parametrize("encoder", ["unet", "resnet"])
def test_the_features_of_an_outcome_are_the_content(encoder):
    model, batch, query, seen = arithmetic(encoder), batch_of((16, 24)), query_of(), Seen()
    TwoWay(model=model, losses=[seen])(batch, query)
    (conditioner,) = model.conditioners
    for outcome, asked in ((seen.outcome, query.reversed()), (seen.outcome.reverse, query)):
        condition = conditioner.embed(batch, asked)
        raw = model.encoder(batch.images, asked.sources, unmodulated)
        for n, (content, features) in enumerate(
            zip((*outcome.features.skips, outcome.features.deep), (*raw.skips, raw.deep), strict=True)
        ):
            site = f"encoder/skip{n}" if n < len(raw.skips) else "encoder/out"
            alpha, beta = conditioner.contrast(condition.source, site)
            wanted = (features - beta[:, :, None, None]) / alpha[:, :, None, None]
            torch.testing.assert_close(content, wanted, atol=1e-5, rtol=1e-5)
            assert not torch.allclose(content, features, atol=1e-3)


@pytest.mark.parametrize("form", FORMS)
def test_the_term_is_that_of_both_ways_and_teaches_encoder_and_arithmetic(form):
    model, batch, query = arithmetic(), batch_of((16, 24)), query_of()
    terms = TwoWay(model=model, losses=[L1(), form(weight=0.1)])(batch, query)
    name = "feature_l1" if form is FeatureL1 else "feature_correlation"
    assert list(terms) == ["l1", name]
    ways = [model.encode(batch, asked) for asked in (query, query.reversed())]
    pairs = zip((*ways[0].skips, ways[0].deep), (*ways[1].skips, ways[1].deep), strict=True)
    torch.testing.assert_close(terms[name], 0.1 * torch.stack([form().between(a, b) for a, b in pairs]).mean())
    terms[name].backward()
    assert all(p.grad.any() for p in model.encoder.parameters())
    assert not any(p.grad is not None and p.grad.any() for p in model.decoder.parameters())
    steepest = max(p.grad.abs().max() for p in model.encoder.parameters())
    learned = [bool(p.grad.abs().max() > 1e-5 * steepest) for p in model.conditioners.parameters()]
    assert all(learned) if form is FeatureL1 else not any(learned), "a correlation knows neither scale nor offset"


@pytest.mark.parametrize("form", FORMS)
def test_an_objective_of_one_way_refuses_them(form):
    with pytest.raises(RecipeError, match=r"compares the features of source and target.*take objective two_way"):
        SynthesisObjective(model=arithmetic(), losses=[L1(), form()])


@pytest.mark.parametrize("name", [name for name in names("loss") if name.startswith("feature_")])
def test_a_recipe_is_refused_before_any_data_is_read(name, tmp_path):
    def append(tree):
        tree["stages"][0]["steps"][0]["objective"]["losses"].append({"name": name, "weight": 0.1})

    path = write_tiny(tmp_path, append)
    with pytest.raises(RecipeError, match=rf"stages\.0\.steps\.0\.objective: loss '{name}' .*two_way") as refused:
        load(path)
    assert len(str(refused.value).splitlines()) == 1
    assert load(path, ["stages.0.steps.0.objective.name=two_way"])
