"""Reproduce the comparison tables of the papers: ``python benchmarks/run.py list``, ``... omnisyn-2 --size small``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from paper_tables.read_table import find_tables, read_table, table_files
from paper_tables.sizes import read_size, recipe_of
from paper_tables.store import Store
from paper_tables.table import Table

from anysyn.errors import UserError
from anysyn.registry import suggest

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command(help=__doc__)
def run(
    tables: Annotated[list[str], typer.Argument(help="list, all, names of tables, or YAML files.", show_default=False)],
    data: Annotated[list[str] | None, typer.Option(help="Your subjects; SET=PATH for a further test set.")] = None,
    dataset: Annotated[list[str] | None, typer.Option(help="TTG=NAME: your name of a dataset of the table.")] = None,
    size: Annotated[str, typer.Option(help="tiny, small or paper.")] = "small",
    spacing: Annotated[
        float | None, typer.Option(help="Voxel size in mm of your images; 0: as they are.", min=0)
    ] = None,
    seeds: Annotated[int, typer.Option(help="Models of each method.", min=1)] = 1,
    only: Annotated[str | None, typer.Option(help="unet,omnisyn: methods by recipe or name; the others stay.")] = None,
    folds: Annotated[str | None, typer.Option(help="Cross-validation: leave-one-out, or a number.")] = None,
    complete: Annotated[bool, typer.Option("--complete", help="With --folds: only who has every contrast.")] = False,
    protocol: Annotated[str | None, typer.Option(help="Instead of the table's: anysyn list protocols.")] = None,
    levels: Annotated[Path | None, typer.Option(help="Levels of corruptions, as calibrate.py writes them.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results; finished ones are not computed again.")] = Path(
        "results"
    ),
    jobs: Annotated[int, typer.Option(help="Local processes at the same time.", min=1)] = 1,
    launcher: Annotated[str, typer.Option(help="local or slurm.")] = "local",
    partition: Annotated[str | None, typer.Option(help="Partition of Slurm.")] = None,
    hours: Annotated[float, typer.Option(help="Time limit of a job of Slurm.")] = 24.0,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, gpu or mps.")] = "auto",
) -> None:
    """Run tables, or continue them, and write them."""
    try:
        if "list" in tables:
            print("\n".join(listed(size)))
            return
        options: dict[str, Any] = {"data": _pairs(data), "datasets": _pairs(dataset), "size": size, "seeds": seeds}
        options |= {"only": _words(only), "protocol": protocol, "levels": levels, "jobs": jobs}
        options |= {"folds": folds, "complete": complete, "spacing": spacing}
        options |= {"launcher": launcher, "partition": partition, "hours": hours, "accelerator": accelerator}
        failed = run_tables(find_tables(tables), out=out, **options)
    except (UserError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if failed:
        raise typer.Exit(1)


def listed(size: str) -> list[str]:
    """Describe the tables: methods, those without a recipe, sets and tasks.

    Args:
        size: Size of the recipes.
    """
    lines = []
    for name, path in table_files().items():
        table, own = read_table(path), read_size(size)
        absent = [m.name for m in table.methods if m.simple is None and recipe_of(m, table, own) is None]
        tasks = {task.name for set_ in table.sets for task in table.tasks_of(set_)}
        lines.append(f"{name:22} {table.title}: {table.about}")
        count = f"{len(table.methods)} methods, {len(tasks)} tasks, {len(table.sets)} sets, {', '.join(table.metrics)}"
        lines.append(f"{'':22} {count}" + (f"; no recipe: {', '.join(absent)}" if absent else ""))
    return lines


def run_tables(
    paths: Sequence[Path],
    *,
    out: Path,
    data: dict[str, str],
    datasets: dict[str, str],
    size: str,
    seeds: int,
    only: Sequence[str],
    folds: str | None,
    complete: bool,
    spacing: float | None,
    protocol: str | None,
    levels: Path | None,
    jobs: int,
    launcher: str,
    partition: str | None,
    hours: float,
    accelerator: str,
) -> bool:
    """Plan, compute what is missing, write each table and the page; return whether something failed."""
    from calibrate import read_levels
    from paper_tables.cohorts import subjects_of
    from paper_tables.launch import Slurm, jobs_of, launch

    from anysyn.progress import Bar

    if spacing is not None and not data:
        raise UserError("--spacing is for your images; give them by --data")
    if launcher not in ("local", "slurm"):
        raise UserError(f"--launcher {launcher}: {suggest(launcher, ['local', 'slurm'])}")
    store, progress = Store(out), Bar()
    read = [read_table(path) for path in paths]
    _check_only(only, read)
    options = {"seeds": range(seeds), "protocol": protocol, "levels": read_levels(levels)}
    division = {"wanted": folds, "complete": complete}
    given, plans = {name: Path(path) for name, path in data.items()}, []
    for table in read:
        own = read_size(size, table)
        own = own if spacing is None else own.model_copy(update={"spacing": spacing or None})
        subjects = subjects_of(table, own, given, store, progress, jobs)
        plans.append(_planned(table, datasets, options | {"subjects": subjects, "size": own}, division, store))
    chosen = [_restricted(plan, only) for plan in plans]
    todo = jobs_of(chosen, store)
    there = len({cell.run for plan in chosen for cell in plan.cells})
    progress.say(f"{len(todo)} of {there} models to train or to measure; the others are finished")
    slurm = Slurm(out / "slurm", partition, hours) if launcher == "slurm" else None
    launch(todo, at_once=jobs, accelerator=accelerator, slurm=slurm, progress=progress)
    return _written(plans, chosen, store, progress)


def _planned(table: Table, datasets: Mapping[str, str], options: Any, division: Any, store: Store) -> Any:
    from paper_tables.cohorts import TRAINING, by_dataset, folds_of, renamed
    from paper_tables.long_prompts import refuse_long_prompts
    from paper_tables.plan import Options, plan_of

    training = options["subjects"][TRAINING]
    own = renamed(table, datasets) if datasets else by_dataset(table, training)
    folds = folds_of(own, training, **division) if division["wanted"] else ()
    plan = plan_of(own, Options(**options, folds=folds), store)
    cohorts = {cohort.root: cohort for cohort in options["subjects"].values()}
    refuse_long_prompts(plan, [one for root in sorted(cohorts) for one in cohorts[root].people()])
    return plan


def _written(plans: Sequence[Any], chosen: Sequence[Any], store: Store, progress: Any) -> bool:
    from paper_tables.page import write_page
    from paper_tables.results import results_of
    from paper_tables.write_table import write_all

    gathered = [results_of(plan, store) for plan in plans]
    for results in gathered:
        folder = store.table(f"{results.plan.table.name}-{results.plan.size.name}")
        progress.say(f"{write_all(results, folder)[0]}")
    progress.say(f"{write_page(gathered, store.root / 'benchmarks.html')}")
    methods = [{cell.method for cell in plan.cells} | plan.mistakes.keys() for plan in chosen]
    return any(names & results.errors.keys() for names, results in zip(methods, gathered, strict=True))


def _restricted(plan: Any, only: Sequence[str]) -> Any:
    from dataclasses import replace

    if not only:
        return plan
    chosen = {method.name for method in plan.table.methods if _named(method) & set(only)}
    return replace(plan, cells=[cell for cell in plan.cells if cell.method in chosen])


def _named(method: Any) -> set[str]:
    recipe = Path(method.recipe or method.simple or "")
    return {method.name, method.name.lower(), recipe.stem, str(recipe)}


def _check_only(only: Sequence[str], tables: Sequence[Table]) -> None:
    known = {word for table in tables for method in table.methods for word in _named(method)}
    for word in only:
        if word not in known:
            raise UserError(f"--only {word}: no method or recipe of that name; {suggest(word, known)}")


def _pairs(words: Sequence[str] | None) -> dict[str, str]:
    from re import fullmatch

    pairs = {}
    for word in words or ():
        named = fullmatch(r"([\w .+-]+)=(.+)", word)
        pairs.update({named[1]: named[2]} if named else {"training": word})
    return pairs


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


if __name__ == "__main__":
    app()
