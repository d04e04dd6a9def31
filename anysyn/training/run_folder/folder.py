"""The run folder: the places of its files, and its small records."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path
from typing import Any

import yaml

from anysyn.data.loading.cache import FILES as CACHED
from anysyn.files import (
    Contents,
    add_to_manifest,
    contents_of,
    listing,
    locked,
    write_json,
    write_manifest,
    write_text,
)
from anysyn.files.lock import LOCK
from anysyn.files.manifest import MANIFEST
from anysyn.packaged.names import is_packaged
from anysyn.recipe import Recipe
from anysyn.training.run_folder.records import RunError, read_record
from anysyn.versions import versions

__all__ = ["RunError", "RunFolder"]

CHECKPOINTS = ("stage[0-9]*-epoch[0-9]*-batch[0-9]*", "adapted", "initial")  # folders of checkpoints
MADE_BY, RESULTS = "anysyn train", ("anysyn evaluate", "anysyn probe")  # results in a run go with it; no other run does
RECORDS = ("split", "windows", "datasets", "origin", "study", "failures", "versions")
BEFORE_TRAINING = (  # what lies in a run folder before the first step
    *("recipe.yaml", MANIFEST, *(f"{name}.json" for name in RECORDS), "remarks.json"),
    *("subjects.csv", "subjects-left-out.csv", "cache/*", "checkpoints/last"),
    *("checkpoints/adapted/*", "checkpoints/initial/*", "cohorts/*"),
)
CHECKPOINT_FILES = ("weights.safetensors", "state.pt")


class RunFolder:
    """Places of the files in a run folder; `Checkpoints` writes and reads its weights.

    Args:
        path: The folder.

    Attributes:
        recipe: The resolved recipe.
        weights: The weights that synthesis uses.
        log: The training log.
        validation: The validation log.
        checkpoints: The folder of the checkpoints.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.recipe, self.weights = path, path / "recipe.yaml", path / "weights.safetensors"
        self.log, self.validation, self.checkpoints = path / "log.csv", path / "validation.csv", path / "checkpoints"

    def stage_weights(self, stage: str | None) -> Path:
        """Return the path of the weights at the end of a stage, or of training if it is None."""
        return self.weights if stage is None else self.path / f"stage-{stage}.safetensors"

    def best_weights(self, stage: str) -> Path:
        """Return the path of the weights of a stage with the lowest validation score so far."""
        return self.path / f"best-{stage}.safetensors"

    def create(self, recipe: Recipe, *, overwrite: bool = False) -> None:
        """Begin a run with its recipe: `begin`, then `write_recipe`.

        Raises:
            RunError: As `begin`.
        """
        self.begin(recipe, overwrite=overwrite)
        self.write_recipe(recipe)

    def begin(self, recipe: Recipe, *, overwrite: bool = False) -> None:
        """Make the folder, which the caller has locked, and write the manifest and the versions.

        What a run left that ended before it trained anything, since no image could be read, is no obstacle; what it
        prepared stays.

        Raises:
            RunError: If the folder is not empty and may not be overwritten, holds the data or files that no run wrote,
                or cannot be written.
        """
        if self.path.is_dir() and any(path.name != LOCK for path in self.path.iterdir()):
            if not (overwrite or self._is_untrained()):
                way = f"resume it with `anysyn train --resume {self.path}`, " if self.recipe.is_file() else ""
                raise RunError(f"{self.path} is not empty; {way}choose another folder, or allow it with --overwrite")
            _check_outside(self.path, recipe)
            self._clear(keep_cache=not overwrite)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_manifest(self.path, MADE_BY, list(files_of(recipe)))
            write_json(self.path / "versions.json", versions())
        except OSError as error:
            raise RunError(f"{self.path} cannot be written: {error.strerror}; choose another --out") from error

    def check_no_links(self) -> None:
        """Refuse to write on into folders that are links.

        Raises:
            RunError: If one is; it names it.
        """
        parents = [self.path / "tensorboard", self.path / "cohorts"]
        inner = [folder for parent in parents if parent.is_dir() for folder in parent.iterdir()]
        for folder in (self.path / "samples", *parents, *inner):
            if folder.is_symlink():
                raise RunError(f"{folder} is a link, and a training writes through none; move it away")

    def cohort(self, stage: str) -> RunFolder:
        """Return where the records of a stage's own subjects lie."""
        return RunFolder(self.path / "cohorts" / stage)

    def write_recipe(self, recipe: Recipe) -> None:
        """Write the resolved recipe, with which the folder is a run that can be resumed.

        Raises:
            RunError: If it cannot be written.
        """
        try:
            write_text(self.recipe, yaml.safe_dump(recipe.spec(), sort_keys=False, allow_unicode=True, width=120))
        except OSError as error:
            raise RunError(f"{self.path} cannot be written: {error.strerror}; choose another --out") from error

    def _is_untrained(self) -> bool:
        """Tell whether all that is there are the records of a run that ended before its first step."""
        contents = contents_of(self.path, MADE_BY)
        names = [path.relative_to(self.path).as_posix() for path in contents.own]
        trained = any(not any(fnmatchcase(name, glob) for glob in BEFORE_TRAINING) for name in names)
        return bool(contents.own) and not (contents.foreign or contents.nested or trained)

    def _clear(self, *, keep_cache: bool) -> None:
        """Delete an earlier run and what was evaluated in its folder; anything else there keeps all of it."""
        contents = contents_of(self.path, MADE_BY)
        whole = contents.with_nested(lambda inner: inner.made_by in RESULTS)
        if whole.foreign:
            raise RunError(
                f"{self.path} holds {listing(whole.foreign, self.path)}, which no run of anysyn wrote, so --overwrite "
                f"leaves it alone{contents.origin()}; move that away, or choose another folder"
            )
        _check_idle(contents)
        if keep_cache:
            whole.own = [path for path in whole.own if self.path / "cache" not in path.parents]
        whole.delete()

    @property
    def packaged(self) -> bool:
        """Return whether `anysyn pack` made it, so that nothing is written into it."""
        return is_packaged(self.path)

    def place(self, name: str, instead: str) -> Path:
        """Return where a command writes something of its own in the run folder.

        Args:
            name: The file or folder.
            instead: What to do if it is a packaged run.

        Raises:
            RunError: If it is one.

        Example:
            >>> RunFolder(Path("run")).place("report.html", "name a page with --out").as_posix()
            'run/report.html'
        """
        if self.packaged:
            raise RunError(f"{self.path} is a packaged run, and nothing is written into it ({name}); {instead}")
        return self.path / name

    def outside(self, path: Path, instead: str) -> Path:
        """Return a place that a user named, unless it lies in a packaged run.

        Args:
            path: The file or folder.
            instead: What to do if it does.

        Raises:
            RunError: If so.

        Example:
            >>> RunFolder(Path("run")).outside(Path("run/evaluation"), "choose another --out").as_posix()
            'run/evaluation'
        """
        if path.resolve().is_relative_to(self.path.resolve()):
            self.place(path.name, instead)
        return path

    def write(self, name: str, value: Any) -> None:
        """Write a small record as JSON, and list it in the manifest.

        Raises:
            RunError: If it is a packaged run.
        """
        self.place(name, "write into a run of your own")
        add_to_manifest(self.path, name)
        write_json(self.path / name, value)

    def read(self, name: str) -> Any:
        """Read a small record.

        Raises:
            RunError: If it is not there, or is not what a training writes.
        """
        return read_record(self.path / name)


def files_of(recipe: Recipe) -> Iterator[str]:
    """Yield the names of all files that a training writes into its run folder, as globs of a manifest.

    Example:
        >>> from types import SimpleNamespace
        >>> stage = SimpleNamespace(name="synthesis")
        >>> [name for name in files_of(SimpleNamespace(stages=[stage])) if "synthesis" in name][:2]
        ['stage-synthesis.safetensors', 'best-synthesis.safetensors']
    """
    yield from ("recipe.yaml", "weights.safetensors", "checkpoints/last")  # what makes it a run goes first
    yield from (f"checkpoints/{name}/{file}" for name in CHECKPOINTS for file in CHECKPOINT_FILES)
    yield from (*files_of_cohort(), "log.csv", "log.jsonl", "validation.csv")
    for name in (escape(stage.name) for stage in recipe.stages):
        yield from (f"stage-{name}.safetensors", f"best-{name}.safetensors", f"samples/[0-9]*-{name}-[0-9]*.png")
        yield f"tensorboard/{name}/events.out.tfevents.[0-9]*"
    for stage in recipe.stages:
        own = files_of_cohort() if getattr(stage, "data", None) else ()
        yield from (f"cohorts/{escape(stage.name)}/{name}" for name in own)
    yield from (f"cache/{name}" for name in CACHED)


def files_of_cohort() -> Iterator[str]:
    """Yield the names of the records of a cohort.

    Example:
        >>> "split.json" in files_of_cohort()
        True
    """
    yield from (f"{name}.json" for name in RECORDS)
    yield from ("subjects.csv", "subjects-left-out.csv", "remarks.json")


def _check_outside(folder: Path, recipe: Recipe) -> None:
    """Refuse to delete an earlier run if the data of the new one lie in its folder, for example a list of subjects."""
    for root in recipe.roots():
        if Path(root).resolve().is_relative_to(folder.resolve()):
            raise RunError(
                f"{folder} holds the data of the recipe ({root}), so --overwrite leaves it alone; choose another "
                "folder, or move the data out of it"
            )


def _check_idle(contents: Contents) -> None:
    """Refuse to delete what another process is writing in a folder of its own in the run."""
    for inner in contents.nested:
        with locked(inner.folder, "anysyn train --overwrite"):
            _check_idle(inner)
