"""Images in sixteen bits: what rounding changes, what stays, and how small they are."""

import numpy as np
import pytest
import torch

from anysyn.data.loading.prepared_subject import Packed


def head(generator, sigma=0.01):
    """Return (n, N, a, b): a bright ball with noise on it, in air that is 0."""
    axes = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in (40, 48, 44)), indexing="ij")
    inside = sum(axis**2 for axis in axes) < 0.9
    images = torch.stack([scale * (0.4 + 0.2 * torch.cos(3 * axes[0])) for scale in (1.0, 1.3, 3.0, 0.7)], 1)
    return (images + sigma * torch.randn(images.shape, generator=generator)).clamp(min=0) * inside.unsqueeze(1)


@pytest.fixture
def images():
    return head(torch.Generator().manual_seed(0))


def test_rounding_is_at_most_half_of_what_a_scanner_rounded(images):
    largest = images.amax((0, 2, 3), keepdim=True)
    scanner = largest / 4095 / 2  # half a step of 12 bits, of which the brightest voxel is the last at most
    for scale in (1.0, 0.51, 0.999, 1000.0, 3e-5):
        error = (Packed.of(scale * images).read(0, len(images)) - scale * images).abs()
        assert (error <= 0.51 * scale * scanner).all()


def test_a_twelve_bit_image_gets_back_its_own_numbers():
    numbers = torch.from_numpy(np.random.default_rng(0).integers(0, 4096, (5, 2, 7, 6)))
    prepared = numbers / 937.25  # as `rescale` divides by a percentile
    back = Packed.of(prepared).read(0, 5) * 937.25
    assert torch.equal(back.round().long(), numbers)


@pytest.mark.parametrize("step", [2.0**-8, 1.0])
def test_multiples_of_a_power_of_two_and_zero_stay_as_they_are(step):
    images = step * torch.randint(-500, 500, (3, 2, 5, 4)).float()
    images[0] = 0
    assert torch.equal(Packed.of(images).read(0, 3), images)


def test_any_slices_are_read_alone(images):
    packed = Packed.of(images)
    whole = packed.read(0, len(images))
    for first, stop in ((0, 1), (7, 19), (39, 40), (12, 12)):
        assert torch.equal(packed.read(first, stop), whole[first:stop])


def test_a_brain_takes_less_than_a_quarter_of_float32(images):
    assert Packed.of(images).content.numel() < images.numel()  # of 4 bytes each


def test_an_image_of_zeros_alone_is_one(images):
    assert not Packed.of(torch.zeros(2, 1, 3, 3)).read(0, 2).any()
