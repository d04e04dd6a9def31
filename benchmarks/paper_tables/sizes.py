"""Sizes of a table: recipes, amount of data, length of training. It needs no torch."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from anysyn.bounds import Count, Positive, WholeNumber
from anysyn.errors import UserError
from anysyn.registry import suggest
from paper_tables.table import Cohort, Declared, Method, Table

SIZES = Path(__file__).parent / "sizes.yaml"


class Extent(Declared):
    """Size of a simulated cohort.

    Args:
        subjects: Number of subjects.
        spacing: Voxel size in mm.
    """

    subjects: Count
    spacing: Positive

    def of(self, cohort: Cohort) -> Cohort:
        """Return a cohort of this size; its own numbers stay."""
        return cohort.model_copy(
            update={"subjects": cohort.subjects or self.subjects, "spacing": cohort.spacing or self.spacing}
        )


class Size(Declared):
    """A size of a table.

    Args:
        names: Its name and those of its base sizes, nearest first.
        recipe: Pattern of the recipes' names, for example ``small/{}``.
        cohort: Size of the simulated training cohort.
        test: Size of each further simulated test set.
        spacing: Voxel size in mm that the user's images are resampled to; by default they are not.
        limit: Largest values, by their path in a recipe.
        overrides: Overrides of every recipe.
        segmenter: Batches in the training of a segmenter of real images.
        examples: Number of subjects whose planes are kept for the page.
    """

    names: tuple[str, ...]
    recipe: str = Field("{}", pattern=r"^([\w-]+/)*\{\}$")
    cohort: Extent
    test: Extent
    spacing: Positive | None = None
    limit: dict[str, float] = Field(default_factory=dict)
    overrides: list[str] = Field(default_factory=list)
    segmenter: Count = 400
    examples: WholeNumber = 1

    @property
    def name(self) -> str:
        """Return its name."""
        return self.names[0]


def read_size(name: str, table: Table | None = None) -> Size:
    """Read a size, with the changes of a table.

    Args:
        name: ``tiny``, ``small`` or ``paper``.
        table: The table with the changes, in its key ``sizes``.

    Raises:
        UserError: If there is no size of that name, or the changes have mistakes.

    Example:
        >>> read_size("tiny").names
        ('tiny', 'small')
    """
    known: dict[str, dict[str, Any]] = yaml.safe_load(SIZES.read_text(encoding="utf-8"))
    if name not in known:
        raise UserError(f"no size {name!r}; {suggest(name, known)}")
    names, tree = [name], dict(known[name])
    while (base := tree.pop("base", None)) is not None:
        names.append(base)
        tree = {**known[base], **tree}
    changes = {} if table is None else table.sizes
    for other in [word for word in changes if word not in known]:
        raise UserError(f"sizes.{other}: no size of that name; {suggest(other, known)}")
    changed = changes.get(name, {})
    if "names" in changed:
        raise UserError(f"sizes.{name}.names: follows from the size; leave it out")
    try:
        return Size(names=tuple(names), **{**tree, **changed})
    except ValidationError as error:
        lines = [f"sizes.{name}.{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)]
        raise UserError("\n".join(lines)) from error


def overrides_of(method: Method, size: Size) -> list[str]:
    """Return the overrides of a method at a size."""
    if isinstance(method.overrides, list):
        return method.overrides
    return next((method.overrides[name] for name in size.names if name in method.overrides), [])


def recipe_of(method: Method, table: Table, size: Size) -> Path | None:
    """Return the recipe of a method at a size; None if there is none.

    Args:
        method: The method.
        table: The table; a recipe that is a file may be beside it.
        size: The size.
    """
    if method.recipe is None:
        return None
    if Path(method.recipe).suffix in {".yaml", ".yml"}:
        tries = [table.folder / method.recipe, Path(method.recipe)]
    else:
        tries = [Path(str(files("anysyn.recipes"))) / f"{size.recipe.replace('{}', method.recipe)}.yaml"]
    return next((path for path in tries if path.is_file()), None)


def wanted(method: Method, size: Size) -> str:
    """Return the name of a method's recipe at a size, for messages; empty if it has none."""
    if method.recipe is None:
        return ""
    return method.recipe if Path(method.recipe).suffix else size.recipe.replace("{}", method.recipe)
