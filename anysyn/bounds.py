"""Bounds of numbers: annotations that recipes and options are checked against, and the check of a call."""

from __future__ import annotations

import functools
import inspect
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Real
from typing import Annotated, Any, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

from pydantic import Field
from pydantic.fields import FieldInfo

from anysyn.errors import UserError

T = TypeVar("T")
Arguments = ParamSpec("Arguments")

Count = Annotated[int, Field(ge=1)]
Halvings = Annotated[int, Field(ge=1, le=20)]  # an image of a million voxels a side is one voxel after 20
WholeNumber = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]  # what torch's generators take
Share = Annotated[float, Field(ge=0, le=1)]
ShareBelowOne = Annotated[float, Field(ge=0, lt=1)]
Percentile = Annotated[float, Field(ge=0, le=100)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Scale = Annotated[float, Field(ge=1)]
AtLeastOne = Annotated[Sequence[T], Field(min_length=1)]

_WORDS = {"ge": "from {:g} up", "gt": "above {:g}", "le": "up to {:g}", "lt": "below {:g}"}
_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}


def bounds_of(annotation: Any) -> dict[str, float]:
    """Return the bounds that an annotation sets itself, not on what it contains: ge, gt, le, lt.

    Args:
        annotation: Of a parameter or a field.

    Example:
        >>> bounds_of(Share), bounds_of(int)
        ({'ge': 0, 'le': 1}, {})
    """
    if get_origin(annotation) is not Annotated:
        return {}
    fields = [extra for extra in get_args(annotation)[1:] if isinstance(extra, FieldInfo)]
    limits = [limit for field in fields for limit in field.metadata]
    return {key: getattr(limit, key) for key in _HOLDS for limit in limits if hasattr(limit, key)}


def numbers_in(annotation: Any) -> Iterator[tuple[type, dict[str, float]]]:
    """Yield each kind of number that an annotation lets through, with its bounds.

    Args:
        annotation: Of a parameter or a field.

    Example:
        >>> list(numbers_in(Sequence[Count] | float | None))
        [(<class 'int'>, {'ge': 1}), (<class 'float'>, {})]
    """
    if annotation in (int, float):
        yield annotation, {}
    elif bounds := bounds_of(annotation):
        yield get_args(annotation)[0], bounds
    else:
        for inner in get_args(annotation):
            yield from numbers_in(inner)


def needs_an_item(annotation: Any) -> bool:
    """Return whether a list with this annotation must not be empty.

    Args:
        annotation: Of a parameter or a field.

    Example:
        >>> needs_an_item(AtLeastOne[Count]), needs_an_item(Sequence[Count])
        (True, False)
    """
    fields = [extra for extra in get_args(annotation)[1:] if isinstance(extra, FieldInfo)]
    return any(getattr(limit, "min_length", 0) > 0 for field in fields for limit in field.metadata)


def check_number(name: str, value: Any, annotation: Any) -> None:
    """Refuse a number that is outside of the bounds of its annotation, or not finite.

    Args:
        name: What the number is called.
        value: The number, or several; what is no number is not looked at.
        annotation: For example ``Count | None`` or ``Sequence[Positive]``.

    Raises:
        UserError: If it is outside; the message says what may be given.

    Example:
        >>> check_number("batch", -1, Count)
        Traceback (most recent call last):
        anysyn.errors.UserError: batch: -1 is not a whole number from 1 up
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            check_number(name, item, annotation)
    if isinstance(value, bool) or not isinstance(value, Real):
        return
    for kind, bounds in numbers_in(annotation):
        fits = math.isfinite(value) and all(_HOLDS[key](value, limit) for key, limit in bounds.items())
        if not fits or (kind is int and value % 1):
            raise UserError(f"{name}: {value} is not {_in_words(kind, bounds)}")


def within_bounds(function: Callable[Arguments, T]) -> Callable[Arguments, T]:
    """Check the numbers that a function is called with against the bounds of its annotations.

    Args:
        function: Its annotations are those of this module, for example ``batch: Count``.

    Example:
        >>> @within_bounds
        ... def wait(seconds: Positive) -> float:
        ...     return seconds
        >>> wait(2.0)
        2.0
        >>> wait(float("nan"))
        Traceback (most recent call last):
        anysyn.errors.UserError: seconds: nan is not a number above 0
    """

    @functools.wraps(function)
    def checked(*args: Arguments.args, **kwargs: Arguments.kwargs) -> T:
        hints = get_type_hints(function, include_extras=True)
        for name, value in inspect.signature(function).bind(*args, **kwargs).arguments.items():
            check_number(name, value, hints.get(name))
        return function(*args, **kwargs)

    return checked


def _in_words(kind: type, bounds: Mapping[str, float]) -> str:
    limits = " and ".join(_WORDS[key].format(limit) for key, limit in bounds.items())
    return f"{'a whole number' if kind is int else 'a number'} {limits}".strip()
