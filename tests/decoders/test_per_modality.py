"""Every sample is decoded by the decoder of its target; the ablation of Table 3 of OmniSyn as recipes."""

from dataclasses import replace

import pytest
import torch
import yaml
from toys import PROMPTED, TINY, batch_of, decoder_of, encoder_of

from anysyn import build
from anysyn.errors import RecipeError
from anysyn.points import Points
from anysyn.types import Features, Query

MIXED = torch.tensor([[2], [0], [2], [1], [0]])


def decoded():
    encoder = encoder_of("unet", 2)
    features = encoder(batch_of((16, 24), samples=5).images, torch.zeros(5, 1, dtype=torch.long))
    return decoder_of("per_modality", encoder), features


@pytest.mark.parametrize("places", [None, Points(torch.rand(5, 7, 2) * 2 - 1, torch.ones(5, 2))])
def test_each_sample_is_decoded_by_the_decoder_of_its_target(places):
    decoder, features = decoded()
    together = decoder(features, MIXED, places=places)
    for row, (modality,) in enumerate(MIXED.tolist()):
        one = slice(row, row + 1)
        own = Features(tuple(skip[one] for skip in features.skips), features.deep[one])
        at = None if places is None else places.take(one)
        alone = decoder.decoders[PROMPTED[modality]](own, MIXED[one], places=at)
        torch.testing.assert_close(together[one], alone, atol=1e-5, rtol=1e-5)


def test_a_condition_reaches_its_own_sample():
    decoder, features = decoded()
    seen = {}
    decoder(features, MIXED, lambda site, x: seen.setdefault(site, x))
    for name, rows in {"T1w": [1, 4], "T1c": [3], "T2w": [0, 2]}.items():
        at = seen[f"decoder/{name}/in"]
        assert torch.equal(at[rows], features.deep[rows])
        assert not at[[row for row in range(5) if row not in rows]].any()
    assert "decoder/FLAIR/in" not in seen


DESIGN = {"name": "swin_unetr", "feature_size": 12, "inputs": "stack"}
ENCODERS = {1: DESIGN, 3: {"name": "per_modality", "of": DESIGN}}
DECODERS = {1: {"name": "swin_unetr"}, 3: {"name": "per_modality", "of": {"name": "swin_unetr"}}}


def model_of(folder, encoders, decoders, at=()):
    """Build the synthesizer of a recipe with one network for all modalities, or one for each, on either side."""
    tree = yaml.safe_load(TINY)
    conditioners = [{"name": "film", "at": list(at), "reads": {"name": "modality"}}] if at else []
    chosen = {"encoder": ENCODERS[encoders], "decoder": DECODERS[decoders], "conditioners": conditioners}
    tree["parts"]["synthesizer"] |= chosen
    path = folder / "table3.yaml"
    path.write_text(yaml.safe_dump(tree))
    return build.parts(build.load(path))["synthesizer"]


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("encoders", "decoders", "at"), [(3, 3, ()), (1, 3, ()), (1, 1, ("decoder/in",))])
def test_the_architectures_of_table_3_are_recipes(tmp_path, encoders, decoders, at):
    """3E3D, 1E3D and 1E1D1Cond."""
    model, plain = model_of(tmp_path, encoders, decoders, at), model_of(tmp_path, 1, 1)
    assert count(model.encoder) == encoders * count(plain.encoder)
    assert count(model.decoder) == decoders * count(plain.decoder)
    batch, every = batch_of((40, 64), samples=3), torch.arange(3).unsqueeze(1)
    batch = replace(batch, images=batch.images[:, :3], available=batch.available[:, :3])
    assert model(batch, Query(every, every.roll(1, 0))).images.shape == (3, 1, 40, 64)


def test_a_condition_finds_the_sites_of_each_modality(tmp_path):
    [film] = model_of(tmp_path, 3, 3, at=["encoder/*/out", "decoder/T2w/in"]).conditioners
    assert [*film.sites] == ["encoder/T1w/out", "encoder/T2w/out", "encoder/FLAIR/out", "decoder/T2w/in"]
    with pytest.raises(RecipeError, match=r"no site matches 'encoder/out'; did you mean 'encoder/T[12]w/out'"):
        model_of(tmp_path, 3, 3, at=["encoder/out"])
