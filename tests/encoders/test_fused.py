"""Fusion voxel by voxel: by maximum, mean or both moments, whatever the samples show; MM-Synth's sizes."""

import pytest
import torch
from toys import PROMPTED, M, batch_of

from anysyn.decoders import DenseDecoder, PerModalityDecoder
from anysyn.encoders import FusedEncoder, LatentUNetEncoder

MIXED = torch.tensor([[0, 2], [3, 3], [1, 2], [2, 0]])


def fused(fusion="max", **keys):
    torch.manual_seed(0)
    design = LatentUNetEncoder(modalities=M, dimensions=2, inputs="stack", **({"widths": (4, 8), "out": 6} | keys))
    return FusedEncoder(names=PROMPTED, of=design, fusion=fusion)


def test_the_published_parameters():
    """MM-Synth of four modalities: an encoder has 521,744, a decoder 37,073."""
    with torch.device("meta"):
        encoder = fused(widths=(32, 64, 128), out=16)
        decoder = PerModalityDecoder(names=PROMPTED, of=DenseDecoder(widths=(16,), strides=(1,), dimensions=2))
    counts = [sum(p.numel() for p in part.parameters()) for part in (encoder, decoder)]
    assert counts == [4 * 521_744, 4 * 37_073]
    assert sum(counts) == 2_235_268


def alone(encoder, images, row):
    """Encode the sources of one sample one by one: (J, C, H, W), each modality once."""
    return torch.stack(
        [encoder.own(images[row : row + 1], torch.tensor([[m]])).deep[0] for m in dict.fromkeys(MIXED[row].tolist())]
    )


@pytest.mark.parametrize("fusion", ["max", "mean", "moments"])
def test_each_sample_is_the_fusion_of_its_own_sources(fusion):
    encoder, images = fused(fusion), batch_of((16, 24), samples=4).images
    together = encoder(images, MIXED).deep
    for row in range(4):
        features = alone(encoder, images, row)
        expected = {
            "max": features.amax(0),
            "mean": features.mean(0),
            "moments": torch.cat([features.mean(0), features.var(0, unbiased=False)]),
        }[fusion]
        torch.testing.assert_close(together[row], expected, atol=1e-5, rtol=1e-4)


def test_any_size_goes_in_and_the_same_comes_out():
    assert fused(widths=(4, 6, 8))(torch.rand(1, M, 13, 21), torch.tensor([[0, 1]])).deep.shape == (1, 6, 13, 21)


def test_encoders_of_what_no_sample_shows_get_no_gradient():
    encoder = fused()
    encoder(batch_of((16, 24)).images, torch.tensor([[0, 2]] * 2)).deep.sum().backward()
    used = {name for name, one in encoder.own.encoders.items() if any(p.grad is not None for p in one.parameters())}
    assert used == {PROMPTED[0], PROMPTED[2]}
