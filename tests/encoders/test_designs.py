"""What the designs have in common: published sizes, images of any size, and what cannot be built."""

import pytest
import torch
from toys import M, batch_of, halves, query_of

from anysyn.errors import RecipeError
from anysyn.registry import build
from anysyn.synthesizer import Synthesizer

STACK = {"inputs": "stack"}
MM_GAN = {"norm": "instance", "affine": False}
CANVAS = {"rectify": "answers", "head": "repeated", "outputs": "canvas"}
UNETR = {"name": "unetr", "feature_size": 4, "width": 12, "hidden": 24, "heads": 3, "size": 32}
DIFFUSION = {"name": "diffusion_unet", "channels": (8, 12, 16), "groups": 4, "attention": 2, "head_width": 4}
TIMM = ("test_resnet", "test_convnext", "test_efficientnet", "test_vit")


def parameters_in(*parts):
    return sum(parameter.numel() for part in parts for parameter in part.parameters())


@pytest.mark.parametrize(
    ("encoder", "decoder", "count"),
    [
        ({"name": "swin_unetr", "version": 1, **STACK}, {"name": "swin_unetr"}, 25_137_931),  # Fig. 3 of OmniSyn
        ({"name": "swin_unetr", "version": 2, **STACK}, {"name": "swin_unetr"}, 28_663_051),
        ({"name": "unetr", **STACK}, {"name": "unetr"}, 25_349_089),
        ({"name": "unetr", "convolved": True, **STACK}, {"name": "unetr"}, 25_791_457),
        ({"name": "unetr", "sources": 3, **STACK}, {"name": "unetr"}, 25_546_337),  # 25.55 M in Table 2 of OmniSyn
        ({"name": "residual_unet", **STACK}, {"name": "residual_unet", "head": "normalised"}, 14_826_460),
        ({"name": "residual_unet", **STACK}, {"name": "residual_unet"}, 14_826_449),
        ({"name": "strided_unet", **STACK}, {"name": "strided_unet"}, 54_407_809),  # pix2pix, eight levels
        ({"name": "strided_unet", "levels": 5, **STACK}, {"name": "strided_unet"}, 16_652_929),  # for 224 = 7 x 2^5
        ({"name": "strided_unet", **MM_GAN}, {"name": "strided_unet", **MM_GAN, **CANVAS}, 54_407_172),
    ],
)
def test_the_published_parameters_of_pairs(encoder, decoder, count):
    with torch.device("meta"):
        assert parameters_in(*halves(encoder, decoder)) == count


@pytest.mark.parametrize(
    ("kind", "part", "given", "count"),
    [
        ("encoder", {"name": "resnet", "norm": "batch", **STACK}, {"dimensions": 3}, 92_057_600),  # TUMSyn's code
        ("encoder", {"name": "resnet", "width": 1024, **STACK}, {"dimensions": 2, "depth": 8}, 469_625_600),  # UniSyn
        ("decoder", {"name": "mlp"}, {"dimensions": 2, "depth": 8}, 4_730_888),  # UniSyn: 768-2048-1024-1024-8
        ("decoder", {"name": "trilinear", "coordinates": "absolute"}, {"dimensions": 3}, 14_369_025),
    ],
)
def test_the_published_parameters(kind, part, given, count):
    with torch.device("meta"):
        made = build(kind, part, modalities=M, widths=(768,), strides=(1,), **given)
    assert parameters_in(made) == count


@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize(
    ("encoder", "decoder"),
    [
        ({"name": "swin_unetr", "feature_size": 12}, {"name": "swin_unetr"}),
        (UNETR, {"name": "unetr"}),
        ({"name": "residual_unet", "widths": (4, 6, 8)}, {"name": "residual_unet"}),
        *(
            ({"name": "strided_unet", "levels": 3, "width": 4}, {"name": "strided_unet", "head": head, "outputs": out})
            for head in ("transposed", "repeated")
            for out in ("one", "canvas")
        ),
        *(({"name": "timm", "backbone": backbone, "width": 4}, {"name": "swin_unetr"}) for backbone in TIMM),
    ],
)
def test_any_size_goes_in_and_the_same_comes_out(encoder, decoder, depth):
    first, last = halves(encoder, decoder, depth=depth)
    shape = (45, 33) if depth == 1 else (depth, 45, 33)
    images = Synthesizer(encoder=first, decoder=last)(batch_of(shape), query_of()).images
    assert images.shape == (2, 1, *shape)


@pytest.mark.parametrize(
    ("part", "dimensions", "error", "message"),
    [
        ({**DIFFUSION, "groups": 5}, 2, ValueError, "groups: 5"),
        ({**DIFFUSION, "head_width": 5}, 2, ValueError, "head_width: heads of 5"),
        ({"name": "res_vit", "blocks": 2, "transformers": (2,)}, 2, ValueError, "2 is none of the 2 residual blocks"),
        ({"name": "residual_unet", "widths": (8,)}, 2, RecipeError, r"a level and a bottom, not widths \[8\]"),
        ({"name": "resnet", "blocks": 0}, 2, RecipeError, "blocks=0"),
        ({"name": "strided_unet", "levels": 1}, 2, RecipeError, "at least 2 levels, not 1"),
        ({"name": "swin_unetr", "feature_size": 16}, 2, ValueError, "stage 0 has 16 channels, which 3 heads cannot"),
        ({"name": "timm"}, 3, RecipeError, "slices and slabs, not patches"),
        ({"name": "timm", "backbone": "resnet35"}, 2, RecipeError, "no model 'resnet35'; did you mean 'resnet50'"),
        ({"name": "trans_unet", "side": 100}, 2, ValueError, "side: 100 is no multiple of 16"),
        ({**UNETR, "heads": 5, "size": 40}, 2, RecipeError, r"\(5\) must divide width \(12\), and 16 size \(40\)"),
    ],
)
def test_encoders_that_cannot_be_are_refused(part, dimensions, error, message):
    with pytest.raises(error, match=message):
        build("encoder", part, modalities=M, dimensions=dimensions)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *((name, {"chunk": 0}) for name in ("mlp", "liif", "trilinear")),
        *((name, {"hidden": ()}) for name in ("liif", "trilinear")),
    ],
)
def test_decoders_that_cannot_be_are_refused(name, wrong):
    with pytest.raises(RecipeError, match="|".join(wrong)):
        build("decoder", {"name": name, **wrong}, widths=(6,), strides=(1,), dimensions=2)
