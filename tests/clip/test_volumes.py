"""A CLIP of volumes: the published sizes, any volume in, the temperature, prompts that are too long."""

import math

import pytest
import torch
import torch.nn.functional as F
from toys import PROMPTED, volume_clip

from anysyn.acquisition import Acquisition
from anysyn.clip import clip_3d
from anysyn.clip.pixels import Voxels


def count(module):
    return sum(p.numel() for p in module.parameters())


def test_the_defaults_are_the_published_sizes():
    with torch.device("meta"):
        towers = clip_3d(names=PROMPTED).towers
    layer = 4 * 512**2 + 4 * 512 + 2 * 4 * 512**2 + 5 * 512 + 4 * 512  # attention, feed-forward, two norms
    text = 49408 * 512 + 90 * 512 + 8 * layer + 2 * 512 + 512 * 768
    assert count(towers.text_tower) == text == 50_956_288  # 50.96 M
    config = towers.text_tower.config
    assert (config.hidden_act, config.max_position_embeddings, config.num_attention_heads) == ("quick_gelu", 90, 8)
    vision = towers.vision_tower
    assert vision.patch_embedding.n_patches == 6**3
    assert [len(vision.blocks), vision.blocks[0].attn.num_heads, vision.blocks[0].mlp.linear1.out_features] == [
        12, 12, 3072
    ]  # fmt: skip
    block = 4 * 768**2 + 4 * 768 + 2 * 4 * 768**2 + 5 * 768 + 4 * 768
    around = (16**3 + 1) * 768 + (6**3 + 1) * 768 + 2 * 768 + 769 * 768  # patches, places and class, norm, projection
    idle = 12 * 2 * 768  # MONAI keeps a norm for cross-attention in every block, which nothing uses
    assert count(vision) == 12 * block + around + idle


@pytest.mark.parametrize("shape", [(8, 8, 8), (20, 24, 12), (3, 5, 17), (40, 33, 9)])
def test_any_volume_is_embedded_and_gets_gradients(shape):
    made, images = volume_clip().requires_grad_(False), torch.rand(2, 1, *shape, requires_grad=True)
    embedded = made.encode_image(images)
    assert embedded.shape == (2, 8)
    embedded.square().sum().backward()
    assert images.grad.flatten(1).any(1).all()


def test_a_cube_of_twice_the_side_is_halved():
    images = torch.rand(1, 1, 16, 16, 16)
    torch.testing.assert_close((Voxels(side=8)(images) + 1) / 2, F.avg_pool3d(images, 2))


def test_axes_are_resized_alike_and_the_rest_is_air():
    images = torch.ones(1, 1, 16, 8, 16)
    seen = Voxels(side=8)(images)[0, 0]
    assert (seen[:, 2:6] == 1).all()
    assert (seen[:, :2] == -1).all()
    assert (seen[:, 6:] == -1).all()


def test_nothing_between_the_new_centres_is_skipped():
    images = torch.zeros(1, 1, 32, 32, 32, requires_grad=True)
    Voxels(side=8)(images).sum().backward()
    assert (images.grad > 0).all()


def test_the_temperature_learns_and_is_bounded():
    made = volume_clip()
    assert made.scale().item() == pytest.approx(1 / 0.07)
    assert made.towers.logit_scale.requires_grad
    made.towers.logit_scale.data.fill_(math.log(101))
    assert made.scale().item() == 100


def test_modalities_are_described_by_prompts_of_their_own():
    made = volume_clip()
    assert made.descriptions[2] == Acquisition(modality="T2w").to_prompt()
    torch.testing.assert_close(made.modality_embeddings(), made.encode_text(made.descriptions))


def test_what_follows_the_end_of_a_prompt_changes_nothing():
    made = volume_clip().eval()
    short, long = Acquisition(modality="T1w").to_prompt(), Acquisition(modality="T1w", echo_time_ms=12.5).to_prompt()
    with torch.no_grad():
        alone, beside = made.encode_text([short])[0], made.encode_text([short, long])[0]
        [row] = made.tokenize([short])["input_ids"]
        places = made.towers.text_tower.config.max_position_embeddings
        filled = torch.tensor([row + [0] * (places - len(row))])
        whole = made.towers.get_text_features(input_ids=filled).pooler_output[0]
    assert len(row) < places
    torch.testing.assert_close(alone, beside)
    torch.testing.assert_close(alone, whole)


def test_slices_are_refused():
    with pytest.raises(ValueError, match="sees volumes, but the view shows slices"):
        volume_clip().encode_image(torch.rand(1, 1, 8, 8))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"patch": 3}, r"patch \(3\) must divide size \(8\)"),
        ({"heads": 5}, r"heads \(5\) width \(12\)"),
        ({"text_heads": 3}, r"text_heads \(3\) text_width \(8\)"),
        ({"tokens": 40}, "has 62 tokens and the text tower takes 40; give the text tower more tokens"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes, message):
    with pytest.raises(ValueError, match=message):
        volume_clip(**sizes)
