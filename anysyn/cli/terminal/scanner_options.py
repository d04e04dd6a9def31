"""The options of the command line that describe an acquisition, the same for every command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

Command = Callable[..., None]
# By option: the field of an acquisition and what it is.
OPTIONS: dict[str, tuple[str, type, str]] = {
    "tr": ("repetition_time_ms", float, "repetition time in ms"),
    "te": ("echo_time_ms", float, "echo time in ms"),
    "ti": ("inversion_time_ms", float, "inversion time in ms"),
    "fa": ("flip_angle_deg", float, "flip angle in degrees"),
    "field": ("field_strength_t", float, "static field in tesla"),
    "kvp": ("kvp", float, "tube voltage of a CT in kV"),
    "tube_current": ("tube_current_ma", float, "tube current of a CT in mA"),
    "exposure": ("exposure_mas", float, "exposure of a CT in mAs"),
    "kernel": ("kernel", str, "convolution kernel of a CT"),
    "tracer": ("tracer", str, "tracer of a PET, which its modality says already"),
    "dose": ("dose_mbq", float, "injected activity of a PET in MBq"),
    "uptake_time": ("uptake_time_min", float, "minutes from the injection to the PET"),
    "frame_duration": ("frame_duration_s", float, "duration of the PET in s"),
    "reconstruction": ("reconstruction", str, "reconstruction of a PET, for example OSEM"),
    "manufacturer": ("manufacturer", str, "scanner vendor"),
    "age": ("age_years", float, "age of the person in years"),
    "sex": ("sex", str, "sex of the person: F, M or O"),
}
PERSON = ("age", "sex")


def acquisition_options(prefix: str, *, without: Sequence[str] = ()) -> Callable[[Command], Command]:
    """Give a command these options; it receives them as ``acquisition``, by the field of `Acquisition`.

    Args:
        prefix: What the help of each begins with.
        without: Options that this command does not have.

    Example:
        >>> @acquisition_options("Requested", without=["tracer"])
        ... def command(acquisition: dict[str, object]) -> None:
        ...     print({name: value for name, value in acquisition.items() if value is not None})
        >>> command(kvp=120.0)
        {'kvp': 120.0}
    """
    options = {name: option for name, option in OPTIONS.items() if name not in without}

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [parameter for parameter in signature.parameters.values() if parameter.name != "acquisition"]

        @functools.wraps(command)
        def run(**given: Any) -> None:
            acquisition = {field: given.pop(name, None) for name, (field, _, _) in options.items()}
            command(**given, acquisition=acquisition)

        added = [_parameter(name, kind, f"{prefix}: {about}.") for name, (_, kind, about) in options.items()]
        run.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
        return run

    return decorate


def flags(acquisition: dict[str, object]) -> list[str]:
    """Return the options that were given.

    Example:
        >>> flags({"tube_current_ma": 200.0, "kvp": None})
        ['--tube-current']
    """
    given = {field for field, value in acquisition.items() if value is not None}
    return [f"--{name.replace('_', '-')}" for name, (field, _, _) in OPTIONS.items() if field in given]


def _parameter(name: str, kind: type, about: str) -> inspect.Parameter:
    least = 0 if kind is float else None  # each is a duration, a field, a dose: what it must be above is said later
    hint = Annotated[kind | None, typer.Option(help=about, show_default=False, min=least)]  # type: ignore[valid-type]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=hint)
