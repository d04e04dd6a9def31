"""The small records of a run folder, each of the shape that a training writes, whoever the folder is from."""

from __future__ import annotations

from pathlib import Path
from typing import (
    Annotated,
    Any,
    NotRequired,  # that of typing does not do for pydantic before Python 3.12
)

from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from anysyn.errors import UserError
from anysyn.files import read_json

Finite = Annotated[float, Field(allow_inf_nan=False)]
Window = Annotated[list[Finite], Field(min_length=2, max_length=3)]  # a third number is the slope outside
Windows = dict[str, Window]


class RunError(UserError):
    """A problem with a run folder, in one line."""


class Split(TypedDict):
    """Keys of the subjects of each part."""

    train: list[str]
    validation: list[str]
    test: list[str]


class TypicalWindows(TypedDict):
    """Intensity windows by modality, of all subjects and by dataset."""

    overall: Windows
    datasets: dict[str, Windows]


class Origin(TypedDict):
    """The run whose weights another one began with: its name, the hash of its weights, its typical windows.

    If parts began with parts of runs, there may be several names and hashes, and ``parts`` says which is from which.
    """

    run: str
    weights: str
    windows: TypicalWindows
    parts: NotRequired[dict[str, str]]


class LeftOut(TypedDict):
    """A subject that could not be used, and why."""

    subject: str
    reason: str


class Evaluation(TypedDict):
    """The folder of the latest results."""

    results: str


SHAPES: dict[str, Any] = {
    "split.json": Split,
    "windows.json": TypicalWindows,
    "datasets.json": list[str],
    "origin.json": Origin,
    "study.json": dict[str, Any],
    "failures.json": list[LeftOut],
    "versions.json": dict[str, str],
    "evaluation.json": Evaluation,
}


def read_record(path: Path) -> Any:
    """Read a record of a run folder.

    Raises:
        RunError: If it is missing, cannot be read, or has another shape than a training gives it; in one line.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "datasets.json"
        >>> _ = path.write_text('["A", 3]')
        >>> read_record(path)
        Traceback (most recent call last):
        anysyn.training.run_folder.records.RunError: ...datasets.json: not what a training writes (1: ...
    """
    if not path.is_file():
        state = "is no file" if path.exists() else "is not there"
        raise RunError(
            f"{path.parent} holds no {path.name}: it {state}; it is not a run folder, or its training never began"
        )
    try:
        tree = read_json(path)
        return conforming(tree, SHAPES[path.name]) if path.name in SHAPES else tree
    except (OSError, ValueError) as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise RunError(f"{path}: not what a training writes ({reason}); restore it, or train anew") from error


def conforming(tree: Any, shape: Any) -> Any:
    """Return a tree that has a shape, unchanged.

    Raises:
        ValueError: If it has not; in one line with the first place.

    Example:
        >>> conforming({"results": 5}, Evaluation)
        Traceback (most recent call last):
        ValueError: results: Input should be a valid string
    """
    try:
        TypeAdapter(shape).validate_python(tree)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(key) for key in first["loc"])
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
    return tree
