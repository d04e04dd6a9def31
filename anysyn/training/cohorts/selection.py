"""Which subjects of a cohort a recipe uses: those with its modalities, in its datasets, in a part of its split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from anysyn import build
from anysyn.data.inventory.inventory import Inventory, needed, without
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.data.subjects.find import Layout, find_subjects
from anysyn.data.subjects.layouts.bids_labels import Labels
from anysyn.data.subjects.remedies import OF_RECIPE, Remedies
from anysyn.data.subjects.splits import split_subjects
from anysyn.errors import UserError
from anysyn.recipe import Recipe
from anysyn.registry import suggest
from anysyn.text.several import several
from anysyn.training.run_folder.folder import RunFolder
from anysyn.training.run_folder.names import find_run

LEAST = 2  # of the modalities that a subject needs in training: one is the source, the other the target


def find_cohort(
    recipe: Recipe,
    root: str | Path | None = None,
    layout: Layout | None = None,
    *,
    bids: Labels | None = None,
    remedies: Remedies = OF_RECIPE,
) -> FoundSubjects:
    """Find the subjects of a recipe's data, or of another cohort whose files are named alike.

    A file that cannot be used is a failure only if the recipe uses its modality.

    Args:
        recipe: The recipe.
        root: Folder or table of another cohort.
        layout: How it is laid out; by default as the recipe says of its own data, and detected for another cohort.
        bids: Labels of the files to use, instead of those of the recipe.
        remedies: How the user may say which file is meant, for messages.

    Raises:
        UserError: As in `find_subjects`.
    """
    data = recipe.data
    where, how = (data.root or "", layout or data.layout) if root is None else (root, layout or "auto")
    if not where:
        raise UserError(
            f"recipe {recipe.name} names no data; name them with data.root=FOLDER, or those of a run --data"
        )
    dataset = data.as_dataset if root is None else None
    asked: dict[str, Any] = {"names": data.names, "bids": bids or data.bids, "remedies": remedies}
    found = find_subjects(where, layout=how, dataset=dataset, **asked)
    return needed(found, recipe.modalities)


def split_of(recipe: Recipe, subjects: Sequence[Subject]) -> dict[str, list[str]]:
    """Split all subjects as a recipe says, then keep those of its datasets, whose split does not depend on the others.

    Raises:
        UserError: If no subject is of one of the datasets, or the split names someone who is not there.
    """
    chosen, split = recipe.data.datasets, recipe.data.split
    known = {subject.dataset for subject in subjects}
    for name in chosen or ():
        if name not in known:
            raise UserError(f"data.datasets: no subject is of dataset {name!r}; {suggest(name, known)}")
    kept = {subject.key for subject in of_datasets(recipe, subjects)}
    whole = split_subjects(subjects, train=split.train, validation=split.validation, test=split.test, seed=split.seed)
    return {part: [key for key in keys if key in kept] for part, keys in whole.items()}


def of_datasets(recipe: Recipe, subjects: Sequence[Subject]) -> list[Subject]:
    """Return the subjects of the recipe's datasets."""
    datasets = recipe.data.datasets
    return [subject for subject in subjects if datasets is None or subject.dataset in datasets]


def usable(recipe: Recipe, subject: Subject) -> bool:
    """Return whether a subject has a source and a target: two of the recipe's modalities."""
    return len(set(recipe.modalities) & subject.images.keys()) >= LEAST


def inventory_of(
    recipe: Recipe, found: FoundSubjects, parts: Mapping[str, Sequence[str]], root: str | Path
) -> Inventory:
    """Return what a recipe uses of a cohort; who is not used, and why, is among what was left out.

    Args:
        recipe: The recipe.
        found: What `find_cohort` found.
        parts: Keys of the subjects by part of the split; empty without a split.
        root: Where it was found.
    """
    part_of = {key: part for part, keys in parts.items() for key in keys}
    present = [subject for subject in found.subjects if not parts or subject.key in part_of]
    absent = [subject for subject in found.subjects if parts and subject.key not in part_of]
    rest = without(found, {subject.key: _not_in_split(recipe, subject) for subject in absent})
    few = [Failure(subject.key, None, _too_few(recipe, subject)) for subject in present if not usable(recipe, subject)]
    used = {subject.key for subject in present if usable(recipe, subject)}
    return Inventory(
        root=Path(root),
        found=replace(rest, ignored=(*rest.ignored, *few)),
        needed=tuple(recipe.modalities),
        parts={key: part for key, part in part_of.items() if key in used},
    )


def _not_in_split(recipe: Recipe, subject: Subject) -> str:
    datasets = recipe.data.datasets
    if datasets is not None and subject.dataset not in datasets:
        return f"is of dataset {subject.dataset}, which is not among data.datasets ({', '.join(datasets)})"
    return "is in no part of the split"


def _too_few(recipe: Recipe, subject: Subject) -> str:
    has = [name for name in recipe.modalities if name in subject.images]
    return f"has {', '.join(has) or 'none'} of {', '.join(recipe.modalities)}; training needs a source and a target"


def inventory(
    root: str | Path, *, of: str | Path | None = None, overrides: str | Iterable[str] = (), layout: Layout = "auto"
) -> Inventory:
    """Return what is read of a folder or a table, and what was left out and why.

    Args:
        root: A BIDS dataset, a tree of folders, or a CSV or TSV file.
        of: A run folder or a recipe: only what it uses, and who is in which part of its split.
        overrides: Each ``path.to.key=value``, of the recipe.
        layout: How the root is laid out.

    Raises:
        UserError: If the root, the run or the recipe cannot be read, or there is no subject.

    Example:
        >>> inventory("nowhere")
        Traceback (most recent call last):
        anysyn.errors.UserError: nowhere: no such file or folder; check the path (in a recipe: data.root)
    """
    overrides = several(overrides)
    if overrides and (of is None or Path(of).is_dir()):
        raise UserError(f"{overrides[0]} changes a recipe; name the recipe with --for")
    if of is None:
        return Inventory(root=Path(root), found=find_subjects(root, layout=layout))
    if Path(of).is_dir():
        return _of_run(find_run(of), root, layout)
    recipe = build.load(of, overrides, lay_out=False)
    found = _own(replace(recipe, data=replace(recipe.data, root=str(root))), layout)
    return inventory_of(recipe, found, split_of(recipe, found.subjects), root)


def _of_run(run: RunFolder, root: str | Path, layout: Layout) -> Inventory:
    recipe = build.load(run.recipe, lay_out=False)
    own = recipe.data.root is not None and Path(recipe.data.root).resolve() == Path(root).resolve()
    found = _own(recipe, layout) if own else find_cohort(recipe, root, layout)
    parts: dict[str, list[str]] = {} if run.packaged else run.read("split.json")
    elsewhere = not any(subject.key in keys for keys in parts.values() for subject in found.subjects)
    return inventory_of(recipe, found, {} if elsewhere else parts, root)


def _own(recipe: Recipe, layout: Layout) -> FoundSubjects:
    return find_cohort(recipe, layout=None if layout == "auto" else layout)
