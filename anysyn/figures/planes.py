"""Planes in radiological orientation: windowed images, and error maps in colour."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.floating]
Window = tuple[float, float]

LIMIT = 0.3  # error at the ends of the colour scale, as a share of the truth's window; the same for all pictures
LONGEST = 256  # pixels of a plane at the most, for pages of a few megabytes
MIDDLE = 127  # index of "no error" in the palette

PLANES = ("sagittal", "coronal", "axial")  # perpendicular to axis 0, 1 and 2
SIDES = ((("A", "P"), "S"), (("R", "L"), "S"), (("R", "L"), "A"))  # by axis: (left, right) and top of the picture


def radiological(plane: Floats) -> Floats:
    """Turn a plane of an RAS array: the patient's right (in sagittal planes the front) on the left, up is up.

    Args:
        plane: (Y, Z), (X, Z) or (X, Y).

    Returns:
        Rows from top to bottom: (Z, Y), (Z, X) or (Y, X), both axes reversed.

    Example:
        >>> radiological(np.array([[1, 2], [3, 4]])).tolist()  # x runs from right to left, y upwards
        [[4, 2], [3, 1]]
    """
    return plane.T[::-1, ::-1]


def extent(plane: Floats, axis: int, spacing: Sequence[float]) -> tuple[float, float]:
    """Return width and height in mm of a plane in radiological orientation.

    Args:
        plane: The plane before `radiological`.
        axis: The axis perpendicular to it.
        spacing: Voxel size in mm along the three axes.

    Example:
        >>> extent(np.zeros((10, 4)), 0, (1.0, 2.0, 5.0))
        (20.0, 20.0)
    """
    across, up = (edge for i, edge in enumerate(spacing) if i != axis)
    return plane.shape[0] * across, plane.shape[1] * up


def window_of(planes: Sequence[Floats], masks: Sequence[Floats]) -> Window:
    """Return the intensities drawn black and white: the lowest and the 99.5th percentile inside the mask.

    Args:
        planes: Planes of one image.
        masks: Of the same shapes; above 0.5 is foreground.

    Example:
        >>> window_of([np.array([[0.0, 0.25], [0.75, 9.0]])], [np.array([[0, 1], [1, 0]])])
        (0.25, 0.7475)
    """
    inside = np.concatenate([plane[mask > 0.5] for plane, mask in zip(planes, masks, strict=True)])  # (V,)
    values = inside if inside.size else np.concatenate([plane.ravel() for plane in planes])
    low, high = (float(limit) for limit in np.percentile(values.astype(np.float64), (0, 99.5)))
    return low, high if high > low else low + 1.0


def shrink(plane: Floats, longest: int = LONGEST) -> Floats:
    """Downsample a plane (H, W) by averaging until no side is longer than a limit in pixels.

    Example:
        >>> shrink(np.ones((4, 2), np.float32), 2).tolist()
        [[1.0], [1.0]]
    """
    factor = longest / max(plane.shape)
    if factor >= 1:
        return plane
    height, width = (max(1, round(edge * factor)) for edge in plane.shape)
    averaged = Image.fromarray(plane.astype(np.float32)).resize((width, height), Image.Resampling.BOX)
    return np.asarray(averaged)


def grey(plane: Floats, window: Window) -> NDArray[np.uint8]:
    """Map intensities to grey values; below the window is black, above it white.

    Example:
        >>> grey(np.array([-1.0, 0.5, 2.0]), (0.0, 1.0)).tolist()
        [0, 128, 255]
    """
    low, high = window
    return _bytes((plane.astype(np.float32) - low) / (high - low) * 255)


def relative_error(prediction: Floats, truth: Floats, window: Window) -> Floats:
    """Return the error as a share of the truth's window: ``(prediction - truth) / (high - low)``.

    Example:
        >>> relative_error(np.array([0.5]), np.array([0.25]), (0.0, 0.5)).tolist()
        [0.5]
    """
    difference: Floats = prediction.astype(np.float32) - truth.astype(np.float32)
    return difference / np.float32(window[1] - window[0])


def signed(error: Floats, limit: float = LIMIT) -> NDArray[np.uint8]:
    """Map signed errors to indices of the palette; errors beyond the limit get the colour of the end.

    Example:
        >>> signed(np.array([-9.0, -0.3, 0.0, 0.3])).tolist()
        [0, 0, 127, 254]
    """
    return _bytes(np.minimum(MIDDLE + error / limit * MIDDLE, 2 * MIDDLE))


@cache
def error_palette() -> NDArray[np.uint8]:
    """Return the colours of errors, (255, 3): blue for too dark, white for none, red for too bright.

    Example:
        >>> error_palette()[[0, MIDDLE, -1]].tolist()
        [[5, 48, 97], [247, 246, 246], [103, 0, 31]]
    """
    positions = np.linspace(0, 1, 2 * MIDDLE + 1)
    return _bytes(mpl.colormaps["RdBu_r"](positions)[:, :3] * 255)


def _bytes(values: Floats) -> NDArray[np.uint8]:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
