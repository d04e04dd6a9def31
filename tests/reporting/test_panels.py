"""Panels: which picture stands where, and which window it has."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from run_folders import SPACING, example

from anysyn.figures.planes import LIMIT, radiological
from anysyn.reporting.panels import panel_of


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.source.partition(",")[2]))).convert("RGB"))


@pytest.fixture(scope="module")
def drawn():
    held = example(sources=("T1w", "FLAIR"))
    return held, panel_of(held, oriented=True)


def test_rows_and_columns(drawn):
    _, panel = drawn
    assert panel.columns == ("Source T1w", "Source FLAIR", "Truth T2w", "Synthetic T2w", "Error")
    assert [row.name for row in panel.rows] == ["axial", "coronal", "sagittal"]
    assert all(len(row.pictures) == 5 for row in panel.rows)
    assert panel.title == "PSNR 20.00 dB"
    assert panel.scores[0] == ("model", ("20.00", "0.5000"))


def test_truth_and_synthetic_share_the_window_of_the_truth(drawn):
    held, panel = drawn
    truth = np.concatenate([plane.ravel() for plane in held.truth]).astype(float)
    low, high = truth.min(), np.percentile(truth, 99.5)
    for row, axis in zip(panel.rows, (2, 1, 0), strict=True):
        for column, planes in ((2, held.truth), (3, held.predictions["model"])):
            expected = np.clip((radiological(planes[axis]).astype(float) - low) / (high - low), 0, 1) * 255
            np.testing.assert_allclose(pixels(row.pictures[column])[..., 0], expected, atol=1)


def test_the_error_is_synthetic_minus_truth(drawn):
    held, panel = drawn
    red, blue = (pixels(panel.rows[0].pictures[4]).astype(int)[..., channel] for channel in (0, 2))
    error = radiological(held.predictions["model"][2].astype(float) - held.truth[2].astype(float))
    clear = np.abs(error) > 0.05
    assert clear.any()
    np.testing.assert_array_equal((red > blue)[clear], (error > 0)[clear])


def test_pictures_have_the_proportions_of_the_voxels(drawn):
    held, panel = drawn
    coronal = panel.rows[1].pictures[0]
    width, height = held.truth[1].shape[0] * SPACING[0], held.truth[1].shape[1] * SPACING[2]
    assert coronal.width / coronal.height == pytest.approx(width / height, rel=0.01)
    assert max(row.pictures[0].width for row in panel.rows) == 176


def test_one_slice_is_still_drawn():
    flat = example()
    thin = {"truth": cut(flat.truth), "mask": cut(flat.mask), "sources": {"T1w": cut(flat.sources["T1w"])}}
    panel = panel_of(replace(flat, **thin, predictions={"model": cut(flat.predictions["model"])}), oriented=True)
    assert [row.pictures[0].height >= 1 for row in panel.rows] == [True] * 3


def cut(planes):
    return planes[0][:, :1], planes[1][:, :1], planes[2]


def test_the_errors_in_words():
    held = example()
    shifted = tuple(plane + np.float16(0.5) for plane in held.truth)
    panel = panel_of(replace(held, predictions={"model": shifted}), oriented=True)
    span = np.percentile(np.concatenate([p.ravel() for p in held.truth]).astype(float), 99.5)
    span -= min(float(plane.min()) for plane in held.truth)
    assert f"mean error {0.5 / span:+.1%}" in panel.errors
    assert 0.5 / span > LIMIT
    assert "100.0% beyond the scale" in panel.errors


def test_without_foreground_there_are_no_words_but_pictures():
    held = example()
    empty = replace(held, mask=tuple(np.zeros_like(plane) for plane in held.mask))
    assert panel_of(empty, oriented=True).errors == "No foreground in these planes."
