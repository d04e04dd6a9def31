"""Backbones of timm: several families, slabs, what is refused, and when published weights are read."""

import pytest
import timm
import torch
from toys import M, batch_of, query_of

from anysyn import build
from anysyn.decoders import CNNDecoder, SwinUNETRDecoder
from anysyn.encoders import TimmEncoder
from anysyn.errors import RecipeError
from anysyn.synthesizer import Synthesizer


def encoder_of(backbone="test_efficientnet", dimensions=2, depth=1, **keys):
    return TimmEncoder(modalities=M, dimensions=dimensions, depth=depth, backbone=backbone, width=4, **keys)


@pytest.mark.parametrize("backbone", ["test_resnet", "test_convnext", "test_efficientnet", "test_vit"])
def test_any_size_goes_in_and_the_same_comes_out(backbone):
    encoder = encoder_of(backbone)
    decoder = SwinUNETRDecoder(widths=encoder.widths, strides=encoder.strides, dimensions=2)
    model = Synthesizer(encoder=encoder, decoder=decoder)
    assert model(batch_of((70, 90)), query_of()).images.shape == (2, 1, 70, 90)


def test_slabs_are_channels():
    encoder = encoder_of(depth=3)
    decoder = CNNDecoder(widths=encoder.widths, dimensions=2, depth=3)
    model = Synthesizer(encoder=encoder, decoder=decoder)
    assert model(batch_of((3, 70, 90)), query_of()).images.shape == (2, 1, 3, 70, 90)


def test_patches_are_refused():
    with pytest.raises(RecipeError, match="slices and slabs, not patches"):
        encoder_of(dimensions=3)


def test_an_unknown_backbone_names_the_nearest():
    with pytest.raises(RecipeError, match="timm has no model 'resnet35'; did you mean 'resnet50'"):
        encoder_of("resnet35")


@pytest.mark.parametrize(("untrained", "read"), [(True, True), (False, False)])
def test_published_weights_are_read_before_training_and_never_for_a_run(monkeypatch, tmp_path, untrained, read):
    asked, make = [], timm.create_model
    monkeypatch.setattr(
        timm, "create_model", lambda name, **keys: (asked.append(keys.pop("pretrained")), make(name, **keys))[1]
    )
    encoder = "parts.synthesizer.encoder={name: timm, backbone: test_efficientnet, pretrained: true, width: 4}"
    recipe = build.load("small/label", [encoder, "parts.synthesizer.conditioners=[]"])
    assert asked == [False], "checking a recipe reads no weights"
    build.parts(recipe, untrained=untrained)
    assert asked[1:] == [read]


def test_on_the_meta_device_no_weight_has_memory():
    with torch.device("meta"):
        assert {x.device.type for x in encoder_of().state_dict().values()} == {"meta"}
