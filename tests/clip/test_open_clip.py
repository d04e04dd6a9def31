"""What is loaded is the open_clip model in the folder, whole, and no text is cut short."""

import open_clip
import pytest
import torch
from checkpoints import write_open_checkpoint
from toys import PROMPTED

from anysyn.clip import open_clip_model
from anysyn.errors import RecipeError, UserError
from anysyn.nn.layout import without_memory
from anysyn.registry import build


@pytest.fixture
def folder(tmp_path):
    return write_open_checkpoint(tmp_path)


def test_texts_and_images_are_embedded_as_open_clip_does(folder):
    loaded = open_clip_model(names=PROMPTED, checkpoint=str(folder)).eval()
    theirs = open_clip.create_model(f"local-dir:{folder}").eval()
    texts = ["a short one", "a T2-weighted image of the head"]
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(texts)
    torch.testing.assert_close(loaded.encode_text(texts), theirs.encode_text(tokens), rtol=1e-4, atol=1e-5)
    images = torch.rand(2, 1, 16, 16)
    seen = (images - torch.tensor([0.4, 0.5, 0.6]).reshape(3, 1, 1)) / torch.tensor([0.2, 0.3, 0.4]).reshape(3, 1, 1)
    torch.testing.assert_close(loaded.encode_image(images), theirs.encode_image(seen), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(loaded.scale(), theirs.logit_scale.exp())


def test_a_text_that_is_too_long_is_refused_not_cut(folder):
    loaded = open_clip_model(names=PROMPTED, checkpoint=str(folder))
    with pytest.raises(UserError, match="has 302 tokens and the text tower takes 260"):
        loaded.encode_text(["brain " * 300])


def test_on_the_meta_device_no_weights_are_read(folder):
    (folder / "open_clip_model.safetensors").unlink()
    with without_memory():
        laid_out = build("part", {"name": "open_clip", "checkpoint": str(folder)}, names=PROMPTED)
    assert {weight.device.type for weight in laid_out.parameters()} == {"meta"}
    with pytest.raises(RecipeError, match=r"cannot be loaded: Required pretrained weights .*; name a folder"):
        open_clip_model(names=PROMPTED, checkpoint=str(folder))


def test_a_folder_without_a_configuration_is_named(tmp_path):
    with pytest.raises(RecipeError, match=r"cannot be loaded: .*open_clip_config.json"):
        open_clip_model(names=PROMPTED, checkpoint=str(tmp_path))


def test_without_open_clip_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("anysyn.clip.open_clip.find_spec", lambda name: None)
    with pytest.raises(RecipeError, match=r"pip install 'anysyn\[open_clip\]'"):
        open_clip_model(names=("T1w",), checkpoint="nowhere")
