"""Cross-validate a recipe: ``python benchmarks/leave_out.py RECIPE --data FOLDER --folds 4 --out FOLDER``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from anysyn.data.records import Subject
    from anysyn.progress import Progress
    from anysyn.recipe import Recipe

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    recipe: Annotated[str, typer.Argument(help="YAML file or recipe name.")],
    data: Annotated[Path, typer.Option(help="The cohort: a folder or a table.")],
    out: Annotated[Path, typer.Option(help="Folder of the runs and the tables.")],
    overrides: Annotated[list[str] | None, typer.Argument(help="path.to.key=value, of the recipe.")] = None,
    folds: Annotated[int, typer.Option(help="Parts of the people, each left out once.", min=2)] = 4,
    validation: Annotated[int, typer.Option(help="People of each fold that choose the best epoch.", min=0)] = 1,
    pairs: Annotated[str, typer.Option(help="T1w:T2w,T1w+T2w:FLAIR or all.")] = "all",
    protocols: Annotated[str, typer.Option(help="anysyn,synthrad: of anysyn list protocols.")] = "anysyn",
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu or mps.")] = "auto",
) -> None:
    """Train a recipe without some of the people, measure it on these, and so on until everyone was left out once.

    Tables over all who were left out are written after each fold. A call that was stopped, even killed, goes on where
    it was when it is made again.
    """
    from anysyn.errors import explain
    from anysyn.progress import Bar

    own = [*(overrides or ()), f"data.root={os.path.abspath(data)}", f"data.cache={os.path.abspath(out / 'cache')}"]
    names = [word.strip() for word in protocols.split(",")]
    try:
        lines = leave_out(
            recipe,
            overrides=own,
            out=out,
            folds=folds,
            validation=validation,
            pairs=pairs,
            protocols=names,
            accelerator=accelerator,
            progress=Bar(),
        )
    except Exception as error:
        if (said := explain(error)) is None:
            raise
        typer.echo("\n".join(said), err=True)
        raise typer.Exit(1) from None
    typer.echo("\n".join(lines))


def leave_out(
    recipe: str,
    *,
    overrides: list[str],
    out: Path,
    folds: int,
    validation: int,
    pairs: str,
    protocols: Sequence[str],
    accelerator: str,
    progress: Progress,
) -> list[str]:
    """Do every fold that is not finished, and return the lines of the tables.

    Args:
        recipe: A YAML file, or the name of a recipe.
        overrides: Each ``path.to.key=value``, with that of ``data.root``.
        out: Folder of the runs and the tables.
        folds: Number of folds, from 2.
        validation: People of the validation of each fold, from 0.
        pairs: For example ``"T1w:CT"``, or ``"all"``.
        protocols: Names of the protocols, at least one.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        progress: Shows the progress.

    Raises:
        UserError: If the folder holds another cross-validation, or the recipe, the data or a protocol cannot be used.
    """
    from cross_validation.folds import folds_of
    from cross_validation.one_fold import measure_once, train_once
    from cross_validation.pooled import write_pooled
    from cross_validation.record import check_record

    from anysyn import build
    from anysyn.evaluation.metrics.protocol import protocol
    from anysyn.files import locked

    for name in protocols:
        protocol(name)
    checked = build.load(recipe, overrides)
    people = _usable(checked)
    divided = folds_of(people, folds, validation=validation)
    done, tables = {name: list[Path]() for name in protocols}, dict[str, list[str]]()
    with locked(out, "leave_out.py"):
        check_record(out, checked, divided, pairs)
        for number, fold in enumerate(divided, 1):
            progress.say(f"fold {fold.name}: {', '.join(fold.test)} left out")
            run = out / f"fold-{number}"
            train_once(recipe, [*overrides, fold.override], run, accelerator=accelerator, progress=progress)
            for name in protocols:
                done[name].append(measure_once(run, name, pairs=pairs, accelerator=accelerator, progress=progress))
                tables[name] = write_pooled(out, name, done[name], folds=folds, people=len(people))
    return [line for lines in tables.values() for line in (*lines, "")]


def _usable(recipe: Recipe) -> list[Subject]:
    """Return the subjects that have a source and a target."""
    from anysyn.training.cohorts.selection import find_cohort, of_datasets, usable

    return [one for one in of_datasets(recipe, find_cohort(recipe).subjects) if usable(recipe, one)]


if __name__ == "__main__":
    app()
