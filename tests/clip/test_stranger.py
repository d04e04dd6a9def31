"""A hostile folder for each loader: nothing of it is run, nothing is asked, the hub is not contacted by a check."""

import builtins
import json
import pickle
import shutil
import socket
from pathlib import Path

import pytest
import safetensors.torch
import torch
from checkpoints import write_open_checkpoint
from toys import PROMPTED

from anysyn.build import load
from anysyn.clip import open_clip_model, pretrained_clip
from anysyn.errors import RecipeError
from anysyn.nn.backbones import pyramid
from anysyn.nn.layout import without_memory
from anysyn.registry import build

CODE = """
from pathlib import Path
Path({marker!r}).touch()
from transformers import {kind}
class Hostile({kind}):
    model_type = "hostile"
"""
MAP = {
    "AutoConfig": "hostile.Hostile",
    "AutoModel": "hostile.Hostile",
    "AutoTokenizer": ["hostile.Hostile", "hostile.Hostile"],
    "AutoImageProcessor": "hostile.Hostile",
}


class Payload:
    """A pickle that writes the marker where it is read."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


@pytest.fixture
def marker(tmp_path, monkeypatch):
    """Return the file that code of a checkpoint would write; a question on the terminal is a failure."""

    def asked(*_):
        raise AssertionError("a question was asked")

    monkeypatch.setattr(builtins, "input", asked)
    marker = tmp_path / "marker"
    yield marker
    assert not marker.exists(), "code of the checkpoint was run"


@pytest.fixture
def no_network(monkeypatch):
    def reached(*_, **__):
        raise AssertionError("the network was reached for")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, reached)
    monkeypatch.setattr(socket, "getaddrinfo", reached)
    monkeypatch.setattr(socket, "create_connection", reached)


def restate(path, **changes):
    tree = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(tree | changes))


def with_code(folder, marker, **changes):
    """Add a Python file, and let every configuration name it."""
    (folder / "hostile.py").write_text(CODE.format(marker=str(marker), kind="PretrainedConfig"))
    for name in ("config.json", "tokenizer_config.json", "preprocessor_config.json"):
        restate(folder / name, auto_map=MAP, **changes)
    return folder


def pickled(path, marker):
    path.write_bytes(pickle.dumps({"weight": Payload(marker)}))


def both(kind, folder):
    """Open a folder as a training does, then as a check of a recipe does; return what is said."""
    said = []
    spec = {"name": kind, "checkpoint": str(folder)}
    with pytest.raises(RecipeError) as caught:
        build("part", spec, names=PROMPTED)
    said.append(str(caught.value))
    with pytest.raises(RecipeError) as caught, without_memory():
        build("part", spec, names=PROMPTED)
    said.append(str(caught.value))
    assert all("\n" not in line and "cannot be loaded" in line for line in said)
    return said


def test_transformers_an_unknown_model_with_code(checkpoint, tmp_path, marker):
    folder = with_code(shutil.copytree(checkpoint, tmp_path / "copy"), marker, model_type="hostile")
    both("clip", folder)


def test_transformers_a_known_model_with_code_is_the_known_one(checkpoint, tmp_path, marker):
    folder = with_code(shutil.copytree(checkpoint, tmp_path / "copy"), marker)
    loaded = pretrained_clip(names=PROMPTED, checkpoint=str(folder))
    assert type(loaded.towers).__module__.startswith("transformers.models.clip")


def test_transformers_a_configuration_that_allows_itself(checkpoint, tmp_path, marker):
    folder = with_code(
        shutil.copytree(checkpoint, tmp_path / "copy"), marker, model_type="hostile", trust_remote_code=True
    )
    assert "trust_remote_code" in both("clip", folder)[0]


def test_transformers_a_pickle(checkpoint, tmp_path, marker):
    folder = shutil.copytree(checkpoint, tmp_path / "copy")
    (folder / "model.safetensors").unlink()
    pickled(folder / "pytorch_model.bin", marker)
    with pytest.raises(RecipeError, match=r"pytorch_model\.bin may hold code; convert the weights to safetensors"):
        pretrained_clip(names=PROMPTED, checkpoint=str(folder))


def test_open_clip_a_pickle(tmp_path, marker):
    folder = write_open_checkpoint(tmp_path / "open")
    (folder / "open_clip_model.safetensors").unlink()
    pickled(folder / "open_clip_pytorch_model.bin", marker)
    with pytest.raises(RecipeError, match=r"open_clip_pytorch_model\.bin may hold code"):
        open_clip_model(names=PROMPTED, checkpoint=str(folder))


@pytest.mark.parametrize("allowed", [True, False])
def test_open_clip_a_tokenizer_and_a_text_tower_with_code(tmp_path, marker, allowed):
    folder = with_code(write_open_checkpoint(tmp_path / "open"), marker, model_type="hostile")
    config = json.loads((folder / "open_clip_config.json").read_text())
    config["model_cfg"]["text_cfg"] |= {"hf_model_name": str(folder), "hf_tokenizer_name": str(folder)}
    if allowed:
        config["model_cfg"]["text_cfg"]["tokenizer_kwargs"] = {"trust_remote_code": True}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    both("open_clip", folder)


def test_timm_a_folder_and_a_hub_are_no_backbones(tmp_path, marker):
    config = {"architecture": "test_resnet", "auto_map": MAP, "num_classes": 1}
    (tmp_path / "config.json").write_text(json.dumps(config))
    pickled(tmp_path / "pytorch_model.bin", marker)
    for name in (f"local-dir:{tmp_path}", "hf-hub:nobody/nothing", str(tmp_path), f"test_resnet.{tmp_path}"):
        with pytest.raises(RecipeError, match="timm"):
            pyramid(name, 1, pretrained=True)


def test_a_hostile_size_is_refused_by_its_count(checkpoint, tmp_path):
    folder = shutil.copytree(checkpoint, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] = 10**9
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(RecipeError, match="has more than"), without_memory():
        build("part", {"name": "clip", "checkpoint": str(folder)}, names=PROMPTED)


@pytest.mark.parametrize("recipe", ["omnisyn", "baselines/tumsyn-biomedclip"])
def test_a_published_checkpoint_is_laid_out_without_the_network(recipe, no_network):
    assert "clip" in load(recipe).parts


@pytest.mark.parametrize("kind", ["clip", "open_clip"])
def test_a_check_of_an_unknown_checkpoint_says_how_to_get_it(kind, no_network):
    with pytest.raises(RecipeError, match="`hf download nobody/nothing`"), without_memory():
        build("part", {"name": kind, "checkpoint": "nobody/nothing"}, names=PROMPTED)


def test_known_sizes_are_those_of_the_published_models():
    from anysyn.clip.known import clip_config, open_clip_towers

    def count(module):
        return sum(weight.numel() for weight in module.parameters())

    from transformers import CLIPModel

    with without_memory():
        names = ("openai/clip-vit-base-patch32", "openai/clip-vit-large-patch14")
        counts = [count(CLIPModel(clip_config(name))) for name in names]
        towers = open_clip_towers("microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224")
    assert counts == [151_277_313, 427_616_513]  # as the hub states them
    bert = (30_522 + 512 + 2 + 2) * 768 + 12 * (12 * 768**2 + 13 * 768)  # words, places, kinds, norm; layers
    vision = (3 * 16**2 + 1) * 768 + (1 + 197) * 768 + 12 * (12 * 768**2 + 13 * 768) + 2 * 768
    assert count(towers) == bert + 640 * (768 + 512) + vision + 768 * 512 + 1


def test_weights_that_are_whole_are_still_read(checkpoint):
    weights = safetensors.torch.load_file(checkpoint / "model.safetensors")
    loaded = pretrained_clip(names=PROMPTED, checkpoint=str(checkpoint))
    assert torch.equal(loaded.towers.state_dict()["text_projection.weight"], weights["text_projection.weight"])
