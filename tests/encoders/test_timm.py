"""When published weights of timm are read, and that a layout needs no memory."""

import pytest
import timm
import torch
from toys import M

from anysyn import build
from anysyn.encoders import TimmEncoder


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
        encoder = TimmEncoder(modalities=M, dimensions=2, backbone="test_efficientnet", width=4)
    assert {x.device.type for x in encoder.state_dict().values()} == {"meta"}
