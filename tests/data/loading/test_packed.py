"""Images in sixteen bits: what rounding changes, what stays, and how small they are."""

import numpy as np
import pytest
import torch

from anysyn.data.geometry.boxes import Box
from anysyn.data.loading import prepared_subject
from anysyn.data.loading.prepared_subject import Packed


def slices(images):
    """Return the size of a slice along the first axis, the bricks of a view of slices."""
    return (1, *images.shape[2:])


def back(images, brick=None, **options):
    """Pack images and read them back whole."""
    return Packed.of(images, brick or slices(images), **options).read(Box((0, 0, 0), tuple(images.shape[1:])))


def head(generator, sigma=0.01):
    """Return (N, a, b, c): a bright ball with noise on it, in air that is 0."""
    axes = torch.meshgrid(*(torch.linspace(-1, 1, n) for n in (40, 48, 44)), indexing="ij")
    inside = sum(axis**2 for axis in axes) < 0.9
    images = torch.stack([scale * (0.4 + 0.2 * torch.cos(3 * axes[0])) for scale in (1.0, 1.3, 3.0, 0.7)])
    return (images + sigma * torch.randn(images.shape, generator=generator)).clamp(min=0) * inside


@pytest.fixture
def images():
    return head(torch.Generator().manual_seed(0))


def test_rounding_is_at_most_half_of_what_a_scanner_rounded(images):
    largest = images.amax((1, 2, 3), keepdim=True)
    scanner = largest / 4095 / 2  # half a step of 12 bits, of which the brightest voxel is the last at most
    for scale in (1.0, 0.51, 0.999, 1000.0, 3e-5):
        error = (back(scale * images) - scale * images).abs()
        assert (error <= 0.51 * scale * scanner).all()


def test_a_twelve_bit_image_gets_back_its_own_numbers():
    numbers = torch.from_numpy(np.random.default_rng(0).integers(0, 4096, (2, 5, 7, 6)))
    prepared = numbers / 937.25  # as `rescale` divides by a percentile
    assert torch.equal((back(prepared) * 937.25).round().long(), numbers)


@pytest.mark.parametrize("step", [2.0**-8, 1.0])
def test_multiples_of_a_power_of_two_and_zero_stay_as_they_are(step):
    images = step * torch.randint(-500, 500, (2, 3, 5, 4)).float()
    images[:, 0] = 0
    assert torch.equal(back(images), images)


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("brick", [(1, 48, 44), (16, 16, 16), (40, 48, 44), (7, 11, 13)])
def test_any_box_is_the_part_of_the_whole_whatever_the_bricks(images, brick, compressed):
    packed, whole = Packed.of(images, brick, compressed=compressed), back(images)
    for start, size in (
        ((0, 0, 0), (40, 48, 44)),
        ((7, 5, 3), (12, 30, 41)),
        ((39, 0, 43), (1, 48, 1)),
        ((5, 5, 5), (0, 1, 1)),
    ):
        box = Box(start, size)
        assert torch.equal(packed.read(box), whole[(slice(None), *box.inside((40, 48, 44)))])


def test_a_box_unpacks_the_bricks_that_it_touches_alone(images, monkeypatch):
    packed, unpacked = Packed.of(images, (16, 16, 16)), []
    read = prepared_subject._uncompressed
    monkeypatch.setattr(prepared_subject, "_uncompressed", lambda *piece: unpacked.append(piece) or read(*piece))
    packed.read(Box((10, 16, 0), (10, 16, 16)))
    assert len(unpacked) == 2


def test_what_a_cache_holds_gives_the_same_images(images):
    packed = Packed.of(images, (16, 16, 16))
    box = Box((3, 4, 5), (20, 20, 20))
    assert torch.equal(Packed.from_tensors(packed.tensors(), packed.shape).read(box), packed.read(box))


@pytest.mark.parametrize("brick", [(1, 48, 44), (32, 32, 32)])
def test_a_brain_takes_less_than_a_quarter_of_float32(images, brick):
    assert Packed.of(images, brick).content.numel() < images.numel()  # of 4 bytes each


def test_an_image_of_zeros_alone_is_one(images):
    assert not back(torch.zeros(1, 2, 3, 3)).any()
