"""The split SwinUNETR against MONAI's whole one, and what its encoder refuses."""

import warnings

import pytest
import torch
import yaml
from monai.networks.nets import SwinUNETR
from toys import TINY, M, batch_of, query_of

from anysyn.build import load
from anysyn.decoders import SwinUNETRDecoder
from anysyn.encoders import SwinUNETREncoder
from anysyn.synthesizer import Synthesizer

VERSIONS = [1, 2]


def halves(dimensions=2, depth=1, **keys):
    encoder = SwinUNETREncoder(modalities=M, dimensions=dimensions, depth=depth, **keys)
    return encoder, SwinUNETRDecoder(widths=encoder.widths, strides=encoder.strides, dimensions=dimensions, depth=depth)


def parameters_in(*modules):
    return sum(p.numel() for module in modules for p in module.parameters())


@pytest.mark.parametrize(("version", "count"), [(1, 25_137_931), (2, 28_663_051)])
def test_the_papers_configuration_has_the_papers_parameters(version, count):
    """Fig. 3 of OmniSyn: 25.14 M and 28.66 M."""
    assert parameters_in(*halves(version=version, inputs="stack")) == count


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("dimensions", "shape"), [(2, (64, 96)), (3, (32, 32, 64))])
def test_the_halves_give_the_numbers_of_the_whole(dimensions, shape, version):
    torch.manual_seed(0)
    whole = SwinUNETR(in_channels=2, out_channels=1, feature_size=12, spatial_dims=dimensions, use_v2=version == 2)
    state = whole.state_dict()
    encoder, decoder = halves(dimensions, feature_size=12, version=version, inputs="stack", sources=2)
    for half in (encoder, decoder):
        half.load_state_dict({name: state[name] for name in half.state_dict()})
    assert {*encoder.state_dict(), *decoder.state_dict()} == {*state}
    images, sources = torch.randn(1, M, *shape), torch.tensor([[3, 1]])
    with torch.no_grad():
        answer = decoder(encoder(images, sources), torch.tensor([[0]]))
        torch.testing.assert_close(answer, whole(images[:, [3, 1]]), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("depth", [1, 3])
def test_any_size_goes_in_and_the_same_comes_out(depth):
    encoder, decoder = halves(depth=depth, feature_size=12)
    shape = (45, 33) if depth == 1 else (depth, 45, 33)
    model = Synthesizer(encoder=encoder, decoder=decoder)
    assert model(batch_of(shape), query_of()).images.shape == (2, 1, *shape)


def test_a_shift_at_the_stem_reaches_every_level_below_the_image():
    """The finest skip is a convolution of the image itself; all else comes from the embedded patches."""
    torch.manual_seed(0)
    encoder, _ = halves(feature_size=12)
    images, sources = torch.rand(1, M, 64, 64), torch.tensor([[0]])
    code = torch.randn(1, 12, 1, 1)
    plain = encoder(images, sources)
    shifted = encoder(images, sources, lambda site, x: x + code if site == "encoder/stem" else x)
    same = [torch.equal(a, b) for a, b in zip((*plain.skips, plain.deep), (*shifted.skips, shifted.deep), strict=True)]
    assert same == [True, False, False, False, False, False]


def test_one_voxel_at_the_deepest_level_is_refused():
    encoder, _ = halves(feature_size=12)
    with pytest.raises(ValueError, match=r"images of 32 x 32 leave one voxel .* more than 32 voxels along one axis"):
        encoder(torch.rand(1, M, 32, 32), torch.tensor([[0]]))
    assert encoder(torch.rand(1, M, 64, 32), torch.tensor([[0]])).deep.shape[2:] == (2, 1)


def test_channels_that_heads_cannot_share_are_refused():
    with pytest.raises(ValueError, match="stage 0 has 16 channels, which 3 heads cannot share"):
        halves(feature_size=16)


def test_another_number_of_sources_than_the_stack_holds_is_refused():
    encoder, _ = halves(feature_size=12, inputs="stack")
    with pytest.raises(ValueError, match="built for 1 input channels but is shown 2"):
        encoder(torch.rand(1, M, 64, 64), torch.tensor([[0, 1]]))


PARTS = {
    "encoder": {"name": "swin_unetr", "inputs": "stack"},
    "decoder": {"name": "swin_unetr"},
    "conditioners": [{"name": "film", "at": ["encoder/skip*", "decoder/*"], "reads": {"name": "modality"}}],
}


def test_a_recipe_is_checked_without_memory_and_without_noise(tmp_path):
    path = tmp_path / "swin.yaml"
    tree = yaml.safe_load(TINY)
    tree["parts"]["synthesizer"] |= PARTS
    path.write_text(yaml.safe_dump(tree))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recipe = load(path)
    assert recipe.parts["synthesizer"]["encoder"]["feature_size"] == 48


def test_on_the_meta_device_no_weight_has_memory():
    with torch.device("meta"):
        encoder, decoder = halves(dimensions=3)
    assert {x.device.type for half in (encoder, decoder) for x in half.state_dict().values()} == {"meta"}
