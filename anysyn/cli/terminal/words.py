"""Options of several words, taken apart."""

from __future__ import annotations

from pathlib import Path

import typer


def pair(word: str) -> tuple[str, str]:
    """Split a source, ``MODALITY=FILE``.

    Raises:
        typer.BadParameter: If it is not written so.

    Example:
        >>> pair("T1w=t1.nii.gz")
        ('T1w', 't1.nii.gz')
    """
    key, equals, path = word.partition("=")
    if not equals:
        raise typer.BadParameter(f"--source {word!r}: write it as MODALITY=FILE, for example T1w=t1.nii.gz")
    return key, path


def numbers(text: str | None, option: str) -> list[float] | None:
    """Split numbers with commas between.

    Raises:
        typer.BadParameter: If one of them is no number; it names the option.

    Example:
        >>> numbers("0.8,0.8,1.2", "--target-spacing")
        [0.8, 0.8, 1.2]
    """
    try:
        return None if text is None else [float(word) for word in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{option} {text!r}: write numbers with commas between, as 0.8,0.8,1.2") from None


def recipe_and_overrides(
    recipe: str | None, overrides: list[str] | None, *, begun: bool
) -> tuple[str | None, list[str]]:
    """Return the recipe and the overrides; where a run gives the recipe, the first word may be an override already.

    Args:
        recipe: The first word.
        overrides: The others.
        begun: Whether a run is named that gives the recipe.

    Example:
        >>> recipe_and_overrides("data.root=cohort", ["seed=1"], begun=True)
        (None, ['data.root=cohort', 'seed=1'])
    """
    others = list(overrides or ())
    if begun and recipe is not None and "=" in recipe and not Path(recipe).exists():
        return None, [recipe, *others]
    return recipe, others


def words(text: str | None) -> list[str] | None:
    """Split words with commas between.

    Example:
        >>> words("T1w, T2w")
        ['T1w', 'T2w']
    """
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]
