"""A single local file as a plugin: its code runs only where somebody allows it, never because a recipe is read."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from hashlib import sha256
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from anysyn.errors import RecipeError, reason

PREFIX = "anysyn_plugin_"
MOST_BYTES = 2**20  # of a file of code


def enrol_file(path: str | Path) -> Path:
    """Run a Python file, which registers the parts in it; once for each content that it has.

    Args:
        path: A file that ends in .py.

    Returns:
        Its absolute path.

    Raises:
        RecipeError: If it is not there, is no Python file, or does not load; in one line that names it.

    Example:
        >>> enrol_file("nowhere.py")
        Traceback (most recent call last):
        anysyn.errors.RecipeError: plugin nowhere.py: no such file; check the path, which is relative to the recipe
    """
    file, name = Path(path).resolve(), _module_of(Path(path))
    if name in sys.modules:
        return file
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise RecipeError(f"plugin {path}: is no Python file; name one that ends in .py")
    sys.modules[name] = module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise RecipeError(f"plugin {path} does not load: {type(error).__name__}: {reason(error)}") from error
    return file


def enrolled_files() -> list[Path]:
    """List the files that were run as plugins in this interpreter, for another one that does the same work.

    Example:
        >>> all(path.suffix == ".py" for path in enrolled_files())
        True
    """
    modules = [module for name, module in sys.modules.items() if name.startswith(PREFIX)]
    return [Path(str(module.__file__)) for module in modules]


def check_enrolled(paths: Iterable[Path], where: str) -> None:
    """Refuse plugins that nobody allowed to run.

    Args:
        paths: Python files.
        where: Where they are named.

    Raises:
        RecipeError: If one of them did not run in this interpreter, or was changed since.
    """
    for path in paths:
        if _module_of(path) not in sys.modules:
            raise RecipeError(
                f"{where}: {path} is code, which runs with all your rights; read it, and add --allow-code if you trust "
                "it (in Python, first anysyn.allow_code of the recipe or run)"
            )


def _module_of(path: Path) -> str:
    """Return the name of the module of a file: another one for each path and content."""
    if path.suffix != ".py":
        raise RecipeError(f"plugin {path}: is no Python file; name one that ends in .py")
    if not path.is_file():
        raise RecipeError(f"plugin {path}: no such file; check the path, which is relative to the recipe")
    if path.stat().st_size > MOST_BYTES:
        raise RecipeError(f"plugin {path}: has more than {MOST_BYTES} bytes; install larger ones as a package")
    return PREFIX + sha256(str(path.resolve()).encode() + b"\0" + path.read_bytes()).hexdigest()[:16]
