"""Every sample goes through the encoder of its source, with its own row of the condition."""

import pytest
import torch
from toys import EVERY, PROMPTED, M, batch_of, encoder_of

from anysyn.encoders import PerModalityEncoder, UNetEncoder

MIXED = torch.tensor([[2], [0], [2], [1], [0]])


def levels(features):
    return (*features.skips, features.deep)


def test_each_sample_is_encoded_by_the_encoder_of_its_source():
    encoder, images = encoder_of("per_modality", 2), batch_of((16, 24), samples=5).images
    together = levels(encoder(images, MIXED))
    for row, (modality,) in enumerate(MIXED.tolist()):
        alone = levels(encoder.encoders[PROMPTED[modality]](images[row : row + 1], MIXED[row : row + 1]))
        for a, b in zip(together, alone, strict=True):
            torch.testing.assert_close(a[row], b[0], atol=1e-5, rtol=1e-5)


def test_the_encoders_are_not_one():
    design = UNetEncoder(modalities=M, dimensions=2, widths=(8, 12), inputs="stack")
    encoder = PerModalityEncoder(names=PROMPTED, of=design)
    same = torch.rand(1, 1, 16, 24).expand(M, M, -1, -1)
    assert encoder(same, EVERY).deep.flatten(1).unique(dim=0).shape[0] == M


def test_a_condition_reaches_its_own_sample():
    """A shift by 1, 2, 3... at the last site arrives at the samples in the order of the batch."""
    encoder, images = encoder_of("per_modality", 2), batch_of((16, 24), samples=5).images
    shifts = torch.arange(1.0, 6).reshape(5, 1, 1, 1)
    acted = encoder(images, MIXED, lambda site, x: x + shifts if site.endswith("/out") else x)
    moved = acted.deep - encoder(images, MIXED).deep
    torch.testing.assert_close(moved, shifts.expand_as(moved), atol=1e-5, rtol=0)


def test_encoders_of_absent_sources_get_no_gradient():
    encoder = encoder_of("per_modality", 2)
    encoder(batch_of((16, 24), samples=5).images, MIXED).deep.square().mean().backward()
    reached = {name: any(p.grad is not None for p in one.parameters()) for name, one in encoder.encoders.items()}
    assert reached == {"T1w": True, "T1c": True, "T2w": True, "FLAIR": False}


def test_sites_carry_the_name_of_the_modality_and_keep_their_level():
    sites = {site.name: site.level for site in encoder_of("per_modality", 2).sites}
    assert sites["encoder/T1w/skip0"] == sites["encoder/FLAIR/skip0"] == "skip0"
    assert len(sites) == M * len(encoder_of("unet", 2).sites)


def test_several_sources_are_refused():
    with pytest.raises(ValueError, match="takes one source, but the query shows 2; ask with `queries"):
        encoder_of("per_modality", 2)(torch.rand(1, M, 16, 16), torch.tensor([[0, 1]]))
