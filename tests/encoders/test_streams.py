"""Streams run where their modality is shown and nowhere else; samples of a batch do not touch each other."""

import pytest
import torch
from toys import PROMPTED, batch_of, encoder_of

from anysyn.ops import first_mentions

MIXED = torch.tensor([[0, 2], [3, 3], [1, 2], [2, 0]])


def encoded(sources, images=None, modulate=None):
    encoder = encoder_of("streams", 2)
    images = batch_of((16, 24), samples=len(sources)).images if images is None else images
    return encoder, encoder(images, sources, *([modulate] if modulate else []))


def test_each_sample_of_a_mixed_batch_is_encoded_as_if_alone():
    images = batch_of((16, 24), samples=4).images
    encoder, together = encoded(MIXED, images)
    for row in range(4):
        own = MIXED[row : row + 1, first_mentions(MIXED)[row]]
        alone = encoder(images[row : row + 1], own)
        for a, b in zip((*together.skips, together.deep), (*alone.skips, alone.deep), strict=True):
            torch.testing.assert_close(a[row : row + 1], b, atol=1e-5, rtol=1e-4)


def test_the_order_of_the_sources_does_not_matter():
    images = batch_of((16, 24)).images
    encoder, there = encoded(torch.tensor([[0, 3, 1]] * 2), images)
    torch.testing.assert_close(encoder(images, torch.tensor([[3, 1, 0]] * 2)).deep, there.deep, atol=1e-5, rtol=1e-4)


def test_the_streams_of_what_no_sample_shows_get_no_gradient():
    encoder, features = encoded(torch.tensor([[0, 2]] * 2))
    features.deep.square().sum().backward()
    used = {name for name, stream in encoder.own.encoders.items() if next(stream.parameters()).grad is not None}
    assert used == {PROMPTED[0], PROMPTED[2]}
    assert all(p.grad is None for name in ("T1c", "FLAIR") for p in encoder.own.encoders[name].parameters())


def test_every_shown_modality_changes_the_answer_and_no_other_does():
    batch = batch_of((16, 24))
    encoder, before = encoded(torch.tensor([[0, 2]] * 2), batch.images)
    for modality in range(4):
        changed = batch.images.clone()
        changed[:, modality] += 1
        same = torch.equal(encoder(changed, torch.tensor([[0, 2]] * 2)).deep, before.deep)
        assert same == (modality in (1, 3))


@pytest.mark.parametrize("place", ["encoder/common/block0", "encoder/T2w/block1", "encoder/skip0", "encoder/out"])
def test_what_acts_at_a_site_reaches_the_answer(place):
    images, sources = batch_of((16, 24)).images, torch.tensor([[0, 2]] * 2)
    encoder, plain = encoded(sources, images)
    found = encoder(images, sources, lambda site, x: x * 2 if site == place else x)
    pairs = zip((*plain.skips, plain.deep), (*found.skips, found.deep), strict=True)
    assert not all(torch.equal(a, b) for a, b in pairs)


def test_the_common_stream_has_the_same_weights_for_all_modalities():
    encoder, _ = encoded(torch.tensor([[0]]))
    images = torch.rand(1, 1, 16, 24).expand(1, 4, 16, 24)
    seen = {}
    for modality in (0, 3):
        encoder(images, torch.tensor([[modality]]), lambda s, x, m=modality: (seen.setdefault((m, s), x), x)[1])
    alone = encoder_of("streams", 2)
    assert sum(p.numel() for p in alone.common.parameters()) * 4 == sum(p.numel() for p in alone.own.parameters())
    assert not torch.equal(seen[0, "encoder/T1w/out"], seen[3, "encoder/FLAIR/out"])  # streams of their own differ
