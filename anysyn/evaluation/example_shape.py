"""The shape of an example that was read from a file: what a figure is drawn of fits together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

MOST_PIXELS = 16_000_000  # of a plane: 4000 x 4000

Edge = Annotated[float, Field(ge=1e-3, le=1e3)]
Scores = Annotated[dict[str, Annotated[float, Field(strict=True)]], Field(min_length=1)]


class ExampleRecord(TypedDict):
    """The fields of an example that are no arrays."""

    subject: str
    dataset: str
    target: str
    spacing: tuple[Edge, Edge, Edge]
    sources: Annotated[list[str], Field(min_length=1)]
    values: dict[str, Scores]


def checked_record(about: Any) -> dict[str, Any]:
    """Return the fields of an example that are no arrays.

    Raises:
        ValueError: If one is missing or something else; in one line with the first place.

    Example:
        >>> about = {"subject": "a", "dataset": "", "target": "T2w", "sources": ["T1w"], "spacing": (1, 1, 0)}
        >>> checked_record({**about, "values": {"model": {"psnr": 30.0}}})
        Traceback (most recent call last):
        ValueError: spacing.2: Input should be greater than or equal to 0.001
    """
    try:
        record = TypeAdapter(ExampleRecord).validate_python(about)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if "model" not in record["values"]:
        raise ValueError("values: no score of the model")
    return dict(record)


def check_planes(planes: Mapping[str, NDArray[Any]]) -> None:
    """Refuse planes that are no images of numbers, or do not cover each other.

    Args:
        planes: By name of the image and axis, as ``truth/0``.

    Raises:
        ValueError: If so; it names the first.

    Example:
        >>> import numpy as np
        >>> check_planes({"truth/0": np.zeros((3, 4)), "mask/0": np.ones((3, 5))})
        Traceback (most recent call last):
        ValueError: mask/0 is 3 x 5, and truth/0 is 3 x 4
    """
    for name, plane in planes.items():
        truth = f"truth/{name.rsplit('/', 1)[1]}"
        if plane.ndim != 2 or plane.dtype.kind not in "fiub" or not 0 < plane.size <= MOST_PIXELS:
            raise ValueError(f"{name} is no image: {plane.dtype} of {' x '.join(map(str, plane.shape))}")
        if plane.shape != planes[truth].shape:
            sizes = [" x ".join(map(str, array.shape)) for array in (plane, planes[truth])]
            raise ValueError(f"{name} is {sizes[0]}, and {truth} is {sizes[1]}")
