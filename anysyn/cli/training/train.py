"""The command that trains a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.hidden_names import noted
from anysyn.cli.terminal.outcome import attempt, how_to_resume
from anysyn.cli.terminal.shared_options import CacheFolder, Device, Devices, Overrides, Overwrite
from anysyn.cli.terminal.words import recipe_and_overrides


@allowing_code
def train(
    recipe: Annotated[
        str | None, typer.Argument(help="YAML file, name of a recipe or run; none with --resume.", callback=noted)
    ] = None,
    overrides: Overrides = None,
    out: Annotated[Path | None, typer.Option(help="Run folder to make.", show_default=False)] = None,
    resume: Annotated[Path | None, typer.Option(help="Run folder to go on with.", show_default=False)] = None,
    from_run: Annotated[
        Path | None,
        typer.Option(help="Run whose weights it begins with; without a recipe, with its own.", callback=noted),
    ] = None,
    accelerator: Device = "auto",
    devices: Devices = "auto",
    cache: CacheFolder = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Prepare all images anew, whatever is cached.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Train a recipe, or go on with a run that was stopped."""
    from anysyn.progress import Bar
    from anysyn.training import fit

    how: dict[str, Any] = {"prepare_anew": no_cache, "cache": cache, "progress": Bar()}
    how |= {"accelerator": accelerator, "devices": devices}
    if resume is not None:
        if recipe or out or overwrite or from_run:
            raise typer.BadParameter("--resume goes on with a run as it is: it takes no recipe, overrides or --out")
        attempt(lambda: fit.resume(resume, **how), once_stopped=lambda: how_to_resume(resume))
        return
    recipe, changes = recipe_and_overrides(recipe, overrides, begun=from_run is not None)
    if out is None or (recipe is None and from_run is None):
        raise typer.BadParameter("training needs a recipe or --from-run RUN, and --out RUN; or --resume RUN")
    begun: dict[str, Any] = {"out": out, "overrides": changes, "from_run": from_run, "overwrite": overwrite}
    attempt(lambda: fit.train(recipe, **begun, **how), once_stopped=lambda: how_to_resume(out))
