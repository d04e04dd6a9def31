"""The baselines at their published sizes have the published numbers of parameters, and a small one each."""

import pytest
import torch

from anysyn import build
from anysyn.cli.parts import summary
from anysyn.recipe.read import recipes_folder

FULL, SMALL = (sorted((recipes_folder() / folder).glob("*.yaml")) for folder in ("baselines", "small/baselines"))
PAIRS = {  # an encoder and a decoder of 3E3D
    "unet": 14_826_449,
    "unetr": 25_349_089,
    "swin_unetr": 25_137_931,
    "swin_unetr_v2": 28_663_051,
    "pix2pix": 16_652_929,
    "swin_unet": 27_165_060,
    "trans_unet": 67_005_297,
    "res_vit": 123_349_377,
    "res_vit convolutional": 11_370_881,
    "cycle_gan": 11_370_881,
}
JUDGES = {"unet-gan": 21_791_400, "swin_unetr_v2-gan": 21_791_400, "pix2pix": 2_764_609}


def laid_out(name):
    with torch.device("meta"):
        return build.parts(build.load(f"baselines/{name}"))


def count(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


@pytest.mark.parametrize("name", PAIRS)
def test_the_networks_of_a_source_and_a_target(name):
    recipe, _, half = name.partition(" ")
    model = laid_out(recipe)[half or "synthesizer"]
    assert count(model.encoder.encoders["T1w"], model.decoder.decoders["T2w"]) == PAIRS[name]


@pytest.mark.parametrize("name", JUDGES)
def test_the_discriminator_of_a_target(name):
    assert count(laid_out(name)["discriminators"].discriminators["T2w"]) == JUDGES[name]


@pytest.mark.parametrize(
    ("name", "counts"),
    [("mm_synth", {"synthesizer": 2_235_268}), ("mm_gan", {"synthesizer": 54_407_172, "discriminator": 2_794_432})],
)
def test_the_networks_of_all_modalities(name, counts):
    parts = laid_out(name)
    assert {part: count(parts[part]) for part in parts} == counts


def test_the_published_sizes_of_unisyn_are_shown():
    shown = [line.split() for line in summary.lines("unisyn-metadata")]
    sizes = {words[0]: words[-1] for words in shown if len(words) == 3}
    assert (sizes["synthesizer.encoder"], sizes["synthesizer.decoder"]) == ("469,625,600", "4,730,888")


def test_every_baseline_is_there_in_both_sizes():
    assert [path.name for path in FULL] == [path.name for path in SMALL]


def test_the_curriculum_of_mm_gan_shows_fewer_and_fewer():
    for size in ("", "small/"):
        stages = build.load(f"{size}baselines/mm_gan").stages
        assert [stage.queries["least"] for stage in stages] == [3, 2, 1]
