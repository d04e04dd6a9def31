"""Sizes that a table can be run at: which recipes, how much data, how long. It needs no torch."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from anysyn.errors import UserError
from anysyn.registry import suggest
from paper_tables.table import Cohort, Declared, Method, Table

SIZES = Path(__file__).parent / "sizes.yaml"


class Extent(Declared):
    """Say how much is simulated.

    Args:
        subjects: How many.
        spacing: Voxel size in mm.
    """

    subjects: int
    spacing: float

    def of(self, cohort: Cohort) -> Cohort:
        """Return a cohort of this extent; what it says itself stays."""
        return cohort.model_copy(
            update={"subjects": cohort.subjects or self.subjects, "spacing": cohort.spacing or self.spacing}
        )


class Size(Declared):
    """Hold a size of a table.

    Args:
        names: Its name and those of the sizes that it changes, nearest first.
        recipe: How the recipe of a method is called, for example ``small/{}``.
        cohort: What is simulated for the training.
        test: What is simulated for each further test set.
        spacing: Voxel size in mm that the user's images are resampled to; as they are, if None.
        limit: Largest values, by their path in a recipe.
        overrides: Of every recipe.
        segmenter: Batches that a segmenter of real images is trained on.
        examples: Subjects whose planes are kept for the page.
    """

    names: tuple[str, ...]
    recipe: str = "{}"
    cohort: Extent
    test: Extent
    spacing: float | None = None
    limit: dict[str, float] = Field(default_factory=dict)
    overrides: list[str] = Field(default_factory=list)
    segmenter: int = 400
    examples: int = 1

    @property
    def name(self) -> str:
        """Return its name."""
        return self.names[0]


def read_size(name: str, table: Table | None = None) -> Size:
    """Read a size, with what a table changes of it.

    Args:
        name: ``tiny``, ``small`` or ``paper``.
        table: Whose key ``sizes`` counts.

    Raises:
        UserError: If there is no size of that name.

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
    changed = {} if table is None else table.sizes.get(name, {})
    return Size(names=tuple(names), **{**tree, **changed})


def overrides_of(method: Method, size: Size) -> list[str]:
    """Return the overrides of a method at a size."""
    if isinstance(method.overrides, list):
        return method.overrides
    return next((method.overrides[name] for name in size.names if name in method.overrides), [])


def recipe_of(method: Method, table: Table, size: Size) -> Path | None:
    """Return the recipe of a method at a size, None where there is none.

    Args:
        method: The method.
        table: The table; a recipe written as a file may lie beside it.
        size: The size.
    """
    if method.recipe is None:
        return None
    if Path(method.recipe).suffix in {".yaml", ".yml"}:
        tries = [table.folder / method.recipe, Path(method.recipe)]
    else:
        tries = [Path(str(files("anysyn.recipes"))) / f"{size.recipe.format(method.recipe)}.yaml"]
    return next((path for path in tries if path.is_file()), None)


def wanted(method: Method, size: Size) -> str:
    """Return what the recipe of a method is called at a size, for messages; empty where none is meant to be."""
    if method.recipe is None:
        return ""
    return method.recipe if Path(method.recipe).suffix else size.recipe.format(method.recipe)
