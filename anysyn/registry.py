"""The registry of pluggable parts, by kind and name, and their construction from a recipe's mapping.

A factory is a class or a function with keyword-only parameters. A parameter annotated with `Given` is supplied by
the build (for a decoder, the width of the encoder); every other parameter is a key of the recipe. This convention gives
the checks, the error messages, `anysyn list` and the JSON Schema.
"""

from __future__ import annotations

import difflib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from anysyn.errors import RecipeError

T = TypeVar("T")
Factory = TypeVar("Factory", bound=Callable[..., Any])

GIVEN = "supplied by the build, not by the recipe"
Given = Annotated[T, GIVEN]

_FACTORIES: dict[tuple[str, str], Callable[..., Any]] = {}


def register(kind: str, name: str) -> Callable[[Factory], Factory]:
    """Enrol a factory under a kind and a name.

    Args:
        kind: What the part is, for example ``"conditioner"``.
        name: What a recipe calls it, for example ``"film"``.

    Returns:
        A decorator that returns the factory unchanged.

    Raises:
        RecipeError: If another factory is registered under this kind and name.

    Example:
        >>> @register("greeting", "hello")
        ... def hello(*, to: str = "you") -> str:
        ...     return f"hello {to}"
        >>> build("greeting", {"name": "hello", "to": "scanner"})
        'hello scanner'
    """

    def add(factory: Factory) -> Factory:
        taken = _FACTORIES.setdefault((kind, name), factory)
        if _identity(taken) != _identity(factory):
            raise RecipeError(f"{kind} {name!r} is already registered by {'.'.join(_identity(taken))}")
        return factory

    return add


def _identity(factory: Callable[..., Any]) -> tuple[str, str]:
    return factory.__module__, factory.__qualname__


def names(kind: str) -> list[str]:
    """List the registered names of a kind, sorted.

    Example:
        >>> names("no such kind")
        []
    """
    return sorted(name for registered, name in _FACTORIES if registered == kind)


def kinds() -> list[str]:
    """List the kinds that have at least one registered part, sorted."""
    return sorted({kind for kind, _ in _FACTORIES})


def suggest(word: object, choices: Iterable[str]) -> str:
    """Return the nearest match of a word and all choices, for an error message.

    Example:
        >>> suggest("enocder", ["encoder", "decoder"])
        "did you mean 'encoder'? choices: decoder, encoder"
        >>> suggest("CT", ["T1w", "T1w"])
        'choices: T1w'
    """
    choices = sorted(set(choices))
    near = difflib.get_close_matches(str(word), choices, n=1)
    return (f"did you mean {near[0]!r}? " if near else "") + "choices: " + (", ".join(choices) or "none")


def find(kind: str, name: object, where: str = "") -> Callable[..., Any]:
    """Return the factory of a kind and name.

    Raises:
        RecipeError: If nothing has that name; the message gives the place, the choices and the nearest match.
    """
    try:
        return _FACTORIES[kind, str(name)]
    except KeyError:
        raise RecipeError(f"{place(where)}no {kind} named {name!r}; {suggest(name, names(kind))}") from None


def place(where: str) -> str:
    """Return a place in a recipe as the beginning of a message."""
    return f"{where}: " if where else ""


def parameters(factory: Callable[..., Any]) -> dict[str, tuple[Any, inspect.Parameter]]:
    """Return each parameter of a factory with its resolved annotation, `Given` included."""
    body = vars(factory).get("__init__", factory.__init__) if isinstance(factory, type) else factory  # type: ignore[misc]
    hints = get_type_hints(body, localns=_names_around(factory), include_extras=True)
    return {name: (hints.get(name, Any), p) for name, p in inspect.signature(factory).parameters.items()}


def _names_around(factory: Callable[..., Any]) -> dict[str, Any]:
    """Return the names that a factory's annotations may use: those of its module and of its bases' modules."""
    homes = [base.__module__ for base in reversed(factory.__mro__)] if isinstance(factory, type) else []
    return {name: value for home in homes if home in sys.modules for name, value in vars(sys.modules[home]).items()}


def is_given(annotation: Any) -> bool:
    """Return whether the build supplies a parameter with this annotation.

    Example:
        >>> is_given(Given[int]), is_given(int)
        (True, False)
    """
    return get_origin(annotation) is Annotated and GIVEN in get_args(annotation)[1:]


def build(kind: str, spec: Mapping[str, Any], where: str = "", **given: Any) -> Any:
    """Build one registered part.

    Args:
        kind: The kind of the part.
        spec: ``{"name": ..., key: value, ...}``; nested parts are already built.
        where: The place in the recipe, for the messages.
        given: Everything that the build can supply; a part gets its `Given` parameters by name.

    Raises:
        RecipeError: If the name or a key is unknown or a required key is missing.

    Example:
        >>> @register("farewell", "bye")
        ... def bye(*, to: str) -> str:
        ...     return f"bye {to}"
        >>> build("farewell", {"name": "by", "to": "CT"}, "parts.last")
        Traceback (most recent call last):
        anysyn.errors.RecipeError: parts.last: no farewell named 'by'; did you mean 'bye'? choices: bye
    """
    factory = find(kind, spec.get("name"), where)
    accepted = parameters(factory)
    supplied = {key for key, (annotation, _) in accepted.items() if is_given(annotation)}
    settable = accepted.keys() - supplied
    written = {key: value for key, value in spec.items() if key != "name"}
    unknown = written.keys() - settable
    if unknown:
        key = min(unknown)
        raise RecipeError(f"{place(where)}{kind} {spec['name']!r} takes no {key!r}; {suggest(key, settable)}")
    arguments = {key: given[key] for key in supplied if key in given} | written
    missing = [key for key, (_, p) in accepted.items() if p.default is p.empty and key not in arguments]
    if missing:
        raise RecipeError(f"{place(where)}{kind} {spec['name']!r} needs {', '.join(missing)}")
    return factory(**arguments)
