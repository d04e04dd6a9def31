"""The split SwinUNETR against MONAI's whole one, and what its encoder refuses."""

import warnings

import pytest
import torch
import yaml
from monai.networks.nets import SwinUNETR
from toys import TINY, M, halves

from anysyn.build import load

DECODER = {"name": "swin_unetr"}
SMALL = {"name": "swin_unetr", "feature_size": 12}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("dimensions", "shape"), [(2, (64, 96)), (3, (32, 32, 64))])
def test_the_halves_give_the_numbers_of_the_whole(dimensions, shape, version):
    torch.manual_seed(0)
    whole = SwinUNETR(in_channels=2, out_channels=1, feature_size=12, spatial_dims=dimensions, use_v2=version == 2)
    state = whole.state_dict()
    encoder, decoder = halves({**SMALL, "version": version, "inputs": "stack", "sources": 2}, DECODER, dimensions)
    for half in (encoder, decoder):
        half.load_state_dict({name: state[name] for name in half.state_dict()})
    assert {*encoder.state_dict(), *decoder.state_dict()} == {*state}
    images, sources = torch.randn(1, M, *shape), torch.tensor([[3, 1]])
    with torch.no_grad():
        answer = decoder(encoder(images, sources), torch.tensor([[0]]))
        torch.testing.assert_close(answer, whole(images[:, [3, 1]]), atol=1e-5, rtol=1e-5)


def test_a_shift_at_the_stem_reaches_every_level_below_the_image():
    """The finest skip is a convolution of the image itself; all else comes from the embedded patches."""
    torch.manual_seed(0)
    encoder, _ = halves(SMALL, DECODER)
    images, sources = torch.rand(1, M, 64, 64), torch.tensor([[0]])
    code = torch.randn(1, 12, 1, 1)
    plain = encoder(images, sources)
    shifted = encoder(images, sources, lambda site, x: x + code if site == "encoder/stem" else x)
    same = [torch.equal(a, b) for a, b in zip((*plain.skips, plain.deep), (*shifted.skips, shifted.deep), strict=True)]
    assert same == [True, False, False, False, False, False]


def test_one_voxel_at_the_deepest_level_is_refused():
    encoder, _ = halves(SMALL, DECODER)
    with pytest.raises(ValueError, match=r"images of 32 x 32 leave one voxel .* more than 32 voxels along one axis"):
        encoder(torch.rand(1, M, 32, 32), torch.tensor([[0]]))
    assert encoder(torch.rand(1, M, 64, 32), torch.tensor([[0]])).deep.shape[2:] == (2, 1)


PARTS = {
    "encoder": {"name": "swin_unetr", "inputs": "stack"},
    "decoder": DECODER,
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
        encoder, decoder = halves({"name": "swin_unetr"}, DECODER, dimensions=3)
    assert {x.device.type for half in (encoder, decoder) for x in half.state_dict().values()} == {"meta"}
