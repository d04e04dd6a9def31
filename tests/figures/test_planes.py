"""Planes: orientation, windows and the scale of errors."""

import io

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from anysyn.figures.pictures import png
from anysyn.figures.planes import (
    MIDDLE,
    SIDES,
    error_palette,
    extent,
    grey,
    radiological,
    relative_error,
    shrink,
    signed,
    window_of,
)

CODES = nib.orientations.aff2axcodes(np.eye(4))  # of an RAS array: what each index grows towards
OPPOSITE = dict(zip("RASLPI", "LPIRAS", strict=True))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_what_the_marks_say_is_where_they_say(axis):
    grids = np.meshgrid(np.arange(3), np.arange(4), np.arange(5), indexing="ij")
    across, up = (i for i in range(3) if i != axis)
    columns, rows = (radiological(np.take(grids[i], 0, axis)) for i in (across, up))
    (left, right), top = SIDES[axis]
    grows = CODES[across] if (np.diff(columns, axis=1) > 0).all() else OPPOSITE[CODES[across]]
    assert (right, left) == (grows, OPPOSITE[grows])
    assert (np.diff(rows, axis=0) < 0).all()
    assert top == CODES[up]
    assert "L" not in (left, top)  # radiological: the patient's left is on the right


def test_the_extent_of_a_plane_is_in_mm():
    volume = np.zeros((10, 20, 30))
    spacing = (1.0, 0.5, 4.0)
    assert extent(volume[0], 0, spacing) == (10.0, 120.0)
    assert extent(volume[:, 0], 1, spacing) == (10.0, 120.0)
    assert extent(volume[:, :, 0], 2, spacing) == (10.0, 10.0)


def test_the_window_looks_only_inside_the_mask():
    inside = np.random.default_rng(0).random((20, 20))
    plane = np.where(np.eye(20) > 0, 100.0, inside)
    low, high = window_of([plane], [1 - np.eye(20)])
    held = inside[np.eye(20) == 0]
    assert low == held.min()
    assert high == pytest.approx(np.percentile(held, 99.5))


@pytest.mark.parametrize("mask", [0.0, 1.0])
def test_a_constant_or_unmasked_plane_still_has_a_window(mask):
    assert window_of([np.full((3, 3), 2.0)], [np.full((3, 3), mask)]) == (2.0, 3.0)


def test_grey_values_span_the_window():
    values = grey(np.linspace(-2, 4, 13), (0.0, 2.0))
    np.testing.assert_array_equal(values, [0] * 5 + [64, 128, 191] + [255] * 5)


def test_the_sign_of_an_error_is_its_colour():
    truth = np.array([0.5, 0.5, 0.5])
    error = relative_error(np.array([0.4, 0.5, 0.6]), truth, (0.0, 1.0))
    np.testing.assert_allclose(error, [-0.1, 0.0, 0.1], atol=1e-6)
    dark, none, bright = error_palette()[signed(error)].astype(int)
    assert dark[2] > dark[0]  # blue
    assert bright[0] > bright[2]  # red
    assert np.ptp(none) <= 1


def test_errors_beyond_the_scale_take_the_colour_of_its_end():
    np.testing.assert_array_equal(signed(np.array([-5, -0.3, 0, 0.15, 0.3, 5])), [0, 0, MIDDLE, 190, 254, 254])


def test_large_planes_are_averaged_down_and_small_ones_left_alone():
    plane = np.arange(64.0).reshape(8, 8).astype(np.float32)
    assert shrink(plane, 8) is plane
    np.testing.assert_allclose(shrink(plane, 4), plane.reshape(4, 2, 4, 2).mean((1, 3)))
    assert shrink(np.ones((300, 2)), 256).shape == (256, 2)


@pytest.mark.parametrize("palette", [None, error_palette()])
def test_a_png_holds_the_pixels_it_was_given(palette):
    pixels = np.arange(255, dtype=np.uint8).reshape(15, 17)
    image = np.asarray(Image.open(io.BytesIO(png(pixels, palette))).convert("RGB"))
    expected = np.repeat(pixels[..., None], 3, axis=2) if palette is None else palette[pixels]
    np.testing.assert_array_equal(image, expected)
