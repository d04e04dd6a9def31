"""A run by its folder or by the name of a packaged one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from anysyn.packaged.names import packaged_names, packaged_run
from anysyn.registry import suggest
from anysyn.training.run_folder.folder import RunError, RunFolder


class HasFolder(Protocol):
    """A run that is loaded already."""

    @property
    def folder(self) -> RunFolder:
        """Return its folder."""


def find_run(run: str | Path | HasFolder, *, packages: Path | None = None) -> RunFolder:
    """Return a run by its folder, or by the name of a packaged run; a folder of that name wins.

    Args:
        run: A run folder, a name, or a run that is loaded already.
        packages: Folder of the packaged runs; that of anysyn by default.

    Raises:
        RunError: If it is neither; the message lists the names.

    Example:
        >>> find_run("nowhere")
        Traceback (most recent call last):
        anysyn.training.run_folder.records.RunError: nowhere holds no recipe.yaml: it is not a run folder, ...
    """
    if isinstance(folder := getattr(run, "folder", None), RunFolder):
        return folder
    if not isinstance(run, str | os.PathLike):
        raise RunError(f"a {type(run).__name__} is no run; name a run folder or a packaged run")
    path, packaged = Path(run), packaged_run(run, packages)
    if packaged is not None and not os.path.isdir(path):
        return RunFolder(packaged)
    found = RunFolder(path)
    if found.recipe.is_file():
        return found
    message = f"{path} holds no recipe.yaml: it is not a run folder"
    if packaged is not None:
        raise RunError(f"{message}, and a folder goes before the packaged run of its name; name that as {packaged}")
    if path.exists() or len(path.parts) != 1:
        raise RunError(f"{message}; check the path")
    raise RunError(f"{message}, and no packaged run has this name; {suggest(path, packaged_names(packages))}")
