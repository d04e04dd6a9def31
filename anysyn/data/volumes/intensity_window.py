"""Intensity windows: the map of a window of intensities to 0 to 1, and its slope outside the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from torch import Tensor

# The two intensities that become 0 and 1; a third number is the slope outside, relative to the slope inside.
Window = tuple[float, float] | tuple[float, float, float]
Intensity = TypeVar("Intensity", float, Tensor)


def rescale(intensity: Intensity, window: Window) -> Intensity:
    """Map intensities from the unit of a file to the scale of prepared images.

    Args:
        intensity: In the unit of the file.
        window: ``(low, high)``, or ``(low, high, slope)``: a slope below 1 compresses air and bone outside a window of
            soft tissue, and the map stays invertible.

    Example:
        >>> rescale(-1000.0, (0.0, 80.0)), rescale(-1000.0, (0.0, 80.0, 0.02))
        (-12.5, -0.25)
    """
    share = (intensity - window[0]) / width(window)
    slope = _slope(window)
    return share if slope == 1 else _scaled_outside(share, slope)


def restore(share: Intensity, window: Window) -> Intensity:
    """Map prepared intensities back to the unit of the file, the inverse of `rescale`.

    Example:
        >>> restore(-0.25, (0.0, 80.0, 0.02)), restore(0.5, (0.0, 80.0, 0.02))
        (-1000.0, 40.0)
    """
    return with_equal_slope(share, window) * width(window) + window[0]


def with_equal_slope(share: Intensity, window: Window) -> Intensity:
    """Return prepared intensities as they would be with the same slope inside and outside the window.

    Example:
        >>> with_equal_slope(-0.25, (0.0, 80.0, 0.02)), with_equal_slope(-0.25, (0.0, 80.0))
        (-12.5, -0.25)
    """
    slope = _slope(window)
    return share if slope == 1 else _scaled_outside(share, 1 / slope)


def width(window: Window) -> float:
    """Return the span of a window in the unit of the file."""
    return window[1] - window[0]


def window_of(numbers: Sequence[float]) -> Window:
    """Read a window from a list of two or three numbers.

    Raises:
        ValueError: If the window is empty, or the slope is not above 0 and at most 1.

    Example:
        >>> window_of([0, 80, 0.02])
        (0.0, 80.0, 0.02)
    """
    low, high, *slope = map(float, numbers)
    if not low < high:
        raise ValueError(f"{low:g} is not below {high:g}")
    if slope and not 0 < slope[0] <= 1:
        raise ValueError(f"slope {slope[0]:g} is not above 0 and at most 1")
    return (low, high, slope[0]) if slope else (low, high)


def _slope(window: Window) -> float:
    return window[2] if len(window) == 3 else 1.0


def _scaled_outside(share: Intensity, slope: float) -> Intensity:
    inside = min(max(share, 0.0), 1.0) if isinstance(share, float) else share.clamp(0, 1)
    return inside + slope * (share - inside)
