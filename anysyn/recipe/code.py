"""The local files of code that a recipe names as plugins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from anysyn.plugins.local_code import check_enrolled, enrol_file
from anysyn.recipe.read import Source, read

KEY = "plugins"


def allow_code(recipe: str | Path, overrides: str | Iterable[str] = ()) -> list[Path]:
    """Run the local files that a recipe, or that of a run, names as plugins: what ``--allow-code`` does.

    Nothing else runs them: a recipe or run of somebody else is read without its code, and refused if it needs any.

    Args:
        recipe: A recipe or a run, by its path or its name.
        overrides: Each ``path.to.key=value``.

    Returns:
        The files, which were run.

    Raises:
        RecipeError: If one is not there or does not load.

    Example:
        >>> allow_code("small/label")
        []
    """
    return [enrol_file(path) for _, path in code_in(read(recipe, overrides))]


def check_code(source: Source) -> None:
    """Refuse a recipe whose local plugins nobody allowed to run.

    Raises:
        RecipeError: If so, in one line.

    Example:
        >>> check_code(Source({"plugins": []}))
    """
    for place, path in code_in(source):
        check_enrolled([path], place)


def code_in(source: Source) -> Iterator[tuple[str, Path]]:
    """Yield each local plugin of a recipe with its place; what is no list of words is left to the check of the recipe.

    Example:
        >>> list(code_in(Source({"plugins": ["/parts/gate.py"]})))
        [('plugins.0', PosixPath('/parts/gate.py'))]
    """
    named = source.tree.get(KEY)
    for i, path in enumerate(named if isinstance(named, list) else ()):
        if isinstance(path, str):
            yield source.place((KEY, i)), Path(path)
