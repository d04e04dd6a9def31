"""The conditioner at the published size, on one precision below, and what it refuses."""

import pytest
import torch

from anysyn.conditioners import CrossAttention
from anysyn.descriptors import ModalityLabel
from anysyn.errors import RecipeError
from anysyn.types import Condition, Site


def fusion_of(channels, width=6, **keys):
    reads = ModalityLabel(modalities=4, width=width)
    return CrossAttention(sites=[Site("decoder/in", channels)], reads=reads, dimensions=3, **keys)


def condition_of(fill, width=6):
    token = torch.full((1, 1, width), fill).cos()
    return Condition(token, token)


def test_the_published_size_and_a_temperature_for_each_head():
    with torch.device("meta"):
        fusion = fusion_of(768, width=768)
    assert sum(parameter.numel() for parameter in fusion.fusions.parameters()) == 7_168_512 + 8


def test_the_text_matters():
    """Without the residual it decides by its attention alone, and so least where all voxels are alike."""
    torch.manual_seed(0)
    features = torch.randn(1, 16, 4, 5, 6)
    for residual in (True, False):
        fusion = fusion_of(16, residual=residual)
        first, second = (fusion(features, condition_of(fill), "decoder/in") for fill in (0.0, 2.0))
        assert (first - second).abs().max() > 1e-3
    alike = torch.ones(1, 16, 4, 5, 6)
    first, second = (fusion.fusions["decoder-in"].gate(alike, condition_of(fill).target) for fill in (0.0, 2.0))
    torch.testing.assert_close(first, second)


def test_every_site_has_weights_of_its_own():
    sites = [Site("encoder/out", 8), Site("decoder/in", 16)]
    fusion = CrossAttention(sites=sites, reads=ModalityLabel(modalities=4, width=6), dimensions=2)
    for site in sites:
        features = torch.rand(2, site.channels, 5, 6)
        assert fusion(features, Condition(*(torch.rand(2, 1, 6),) * 2), site.name).shape == features.shape


def test_bfloat16_is_near():
    torch.manual_seed(0)
    fusion, features = fusion_of(16, chunk=50), torch.randn(1, 16, 8, 5, 6)
    with torch.inference_mode():
        exact = fusion(features, condition_of(1.0), "decoder/in")
        with torch.autocast("cpu", torch.bfloat16):
            near = fusion(features.bfloat16(), condition_of(1.0), "decoder/in")
    assert (near.float() - exact).abs().mean() < 0.02 * exact.abs().mean()


@pytest.mark.parametrize(
    ("keys", "message"),
    [({"heads": 3}, "16 channels of decoder/in; for example heads: 2"), ({"temperature": 0.0}, "above 0")],
)
def test_what_cannot_work_is_refused(keys, message):
    with pytest.raises(RecipeError, match=message):
        fusion_of(16, **keys)
