"""What is loaded is the checkpoint, whole, safely, and with what its image processor and tokenizer say."""

import json
import shutil

import numpy as np
import pytest
import safetensors.torch
import torch
from checkpoints import MOST, TOWER, tokenizer
from PIL import Image
from toys import PROMPTED

from anysyn.clip import pretrained_clip
from anysyn.errors import RecipeError
from anysyn.nn.layout import without_memory
from anysyn.registry import build


@pytest.fixture
def copy(checkpoint, tmp_path):
    return shutil.copytree(checkpoint, tmp_path / "copy")


def refused(folder):
    with pytest.raises(RecipeError, match="cannot be loaded") as caught:
        pretrained_clip(names=PROMPTED, checkpoint=str(folder))
    message = str(caught.value)
    assert "\n" not in message
    assert "model.safetensors" in message
    assert "HF_HOME" in message
    return message


def test_texts_are_embedded_as_transformers_does(loaded, checkpoint):
    from transformers import CLIPModel

    texts = ["a short one", "a T2-weighted image of the head"]
    model = CLIPModel.from_pretrained(checkpoint).eval()
    expected = model.get_text_features(**tokenizer()(texts, padding=True, return_tensors="pt")).pooler_output
    torch.testing.assert_close(loaded.encode_text(texts), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(16, 16), (40, 40), (40, 28)])
def test_images_are_embedded_as_transformers_does_after_pillow_resized_them(loaded, checkpoint, shape):
    from transformers import CLIPModel

    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    square = np.pad(image, ((0, 0), ((shape[0] - shape[1]) // 2,) * 2))  # the oracle's own padding
    small = np.array(Image.fromarray(square).resize((16, 16), Image.Resampling.BICUBIC))
    seen = np.stack([(small - mean) / std for mean, std in ((0.4, 0.2), (0.5, 0.3), (0.6, 0.4))])
    model = CLIPModel.from_pretrained(checkpoint).eval()
    expected = model.get_image_features(pixel_values=torch.tensor(seen, dtype=torch.float32)[None]).pooler_output
    found = loaded.encode_image(torch.tensor(image)[None, None])
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_on_the_meta_device_no_weights_are_read(copy):
    (copy / "model.safetensors").unlink()
    with without_memory():
        laid_out = build("part", {"name": "clip", "checkpoint": str(copy)}, names=PROMPTED)
    assert {weight.device.type for weight in laid_out.parameters()} == {"meta"}
    assert "safetensors" in refused(copy)


def test_pickles_are_refused(copy):
    weights = safetensors.torch.load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    torch.save(weights, copy / "pytorch_model.bin")
    refused(copy)


def test_weights_that_are_not_there_are_not_made_up(copy):
    weights = safetensors.torch.load_file(copy / "model.safetensors")
    del weights["text_projection.weight"]
    safetensors.torch.save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert "lack 1 tensors, text_projection.weight among them" in refused(copy)


def test_a_broken_file_is_named(copy):
    (copy / "model.safetensors").write_bytes(b"\x10" * 40)
    refused(copy)


def restate(copy, **changes):
    path = copy / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_model_of_one_tower_is_refused(copy):
    from transformers import BertConfig

    BertConfig().save_pretrained(copy)
    assert "'bert' has no text tower and image tower" in refused(copy)


def test_means_for_other_channels_are_refused(copy):
    restate(copy, image_mean=[0.5])
    assert "reads 3 channels, but image_mean has 1" in refused(copy)


def test_a_checkpoint_that_does_not_normalise_gets_its_images_as_they_are(copy):
    restate(copy, do_normalize=False)
    image = torch.rand(1, 1, 16, 16)
    seen = pretrained_clip(names=PROMPTED, checkpoint=str(copy)).pixels(image)
    torch.testing.assert_close(seen, image.expand(1, 3, 16, 16))


@pytest.mark.parametrize("name", ["nobody/nothing", "/no/such/folder"])
def test_offline_one_line_says_what_to_do(name, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert repr(name) in refused(name)


def test_texts_are_never_cut(loaded):
    with pytest.raises(ValueError, match="has 302 tokens and the text tower takes 260"):
        loaded.encode_text(["x" * 300])


def test_other_models_of_the_kind_take_its_place(tmp_path):
    from transformers import CLIPImageProcessor, SiglipConfig, SiglipModel

    words = tokenizer()
    text = {**TOWER, "vocab_size": len(words), "max_position_embeddings": MOST, "projection_size": 16}
    config = SiglipConfig(text_config=text, vision_config={**TOWER, "image_size": 16, "patch_size": 8})
    SiglipModel(config).save_pretrained(tmp_path)
    words.save_pretrained(tmp_path)
    CLIPImageProcessor().save_pretrained(tmp_path)
    clip = pretrained_clip(names=PROMPTED, checkpoint=str(tmp_path))
    assert clip.encode_image(torch.rand(2, 1, 20, 16)).shape == (2, 16)
    assert clip.modality_embeddings().shape == (len(PROMPTED), 16)
