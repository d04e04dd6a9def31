"""What subjects lack, what a run may be shown of them for it, and where the answer goes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anysyn import build
from anysyn.data.modalities import modality
from anysyn.data.records import Subject
from anysyn.data.subjects.bids import bids_name
from anysyn.errors import UserError
from anysyn.queries import Queries
from anysyn.recipe import Recipe
from anysyn.registry import suggest

SYNTHETIC = "synthetic"  # the label of what is written: desc-synthetic


@dataclass(frozen=True)
class Trained:
    """Say what a run was trained for.

    Args:
        sources: Modalities that it may be shown, best first.
        targets: Modalities that it may be asked for.
        most: Sources at a time.
    """

    sources: Sequence[str]
    targets: Sequence[str]
    most: int


@dataclass(frozen=True)
class Missing:
    """Say what one subject lacks.

    Args:
        subject: Who.
        sources: Modalities to show.
        todo: Where each contrast goes that is still to be made.
        made: Where each contrast is that is made already.
    """

    subject: Subject
    sources: tuple[str, ...]
    todo: dict[str, Path]
    made: dict[str, Path]


def trained_for(recipe: Recipe, sources: Sequence[str] | None = None, targets: Sequence[str] | None = None) -> Trained:
    """Read in a recipe what its last stage shows and asks for.

    Args:
        recipe: The checked recipe.
        sources: A choice of what may be shown, best first; all of it by default, in the order of the recipe.
        targets: A choice of what may be asked for; all of it by default.

    Raises:
        UserError: If what is chosen is not among what the run was trained for.

    Example:
        >>> trained = trained_for(build.load("small/label"), targets=["t2", "flair"])
        >>> trained.targets, trained.most
        (['T2w', 'FLAIR'], 2)
    """
    last = [stage for stage in recipe.stages if stage.epochs][-1]
    queries: Queries = build.make(recipe, last.queries, "queries")
    may_show, may_ask = (
        [name for name, may in zip(recipe.modalities, allowed, strict=True) if may]
        for allowed in (queries.may_show, queries.may_ask)
    )
    return Trained(_chosen(may_show, sources, "--sources"), _chosen(may_ask, targets, "--targets"), queries.most)


def missing(subjects: Sequence[Subject], trained: Trained, out: Path, *, anew: bool = False) -> list[Missing]:
    """Say for each subject what it lacks of what a run may be asked for, and what to show for it.

    Args:
        subjects: Whose images count.
        trained: What the run was trained for.
        out: Folder of what is made, named as in BIDS.
        anew: Whether what is made already is to be made again.

    Raises:
        UserError: If two subjects would get the same name.
    """
    keys: dict[str, str] = {}
    found = []
    for subject in subjects:
        folder, label = place(subject.key)
        if (other := keys.setdefault(label, subject.key)) != subject.key:
            raise UserError(f"{other} and {subject.key} would both be called {label}; rename one of them")
        lacks = {
            name: out / folder / bids_name(label, name, described=SYNTHETIC)
            for name in trained.targets
            if name not in subject.images
        }
        made = {name: path for name, path in lacks.items() if path.exists() and not anew}
        todo = {name: path for name, path in lacks.items() if name not in made}
        sources = tuple(name for name in trained.sources if name in subject.images)[: trained.most]
        found.append(Missing(subject, sources, todo, made))
    return found


def place(key: str) -> tuple[Path, str]:
    """Return the folder of a subject or session in BIDS, and what its files begin with.

    Args:
        key: Of the subject, in any layout.

    Example:
        >>> [(folder.as_posix(), label) for folder, label in map(place, ["sub-01_ses-1", "BraTS/0042"])]
        [('sub-01/ses-1', 'sub-01_ses-1'), ('sub-BraTS0042', 'sub-BraTS0042')]
    """
    if re.fullmatch(r"sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?", key):
        return Path(*key.split("_")), key
    label = "sub-" + re.sub(r"[^A-Za-z0-9]", "", key)
    return Path(label), label


def _chosen(trained: Sequence[str], words: Sequence[str] | None, option: str) -> Sequence[str]:
    names = trained if words is None else list(dict.fromkeys(modality(word).name for word in words))
    for name in names:
        if name not in trained:
            raise UserError(f"{option}: this run was not trained for {name!r}; {suggest(name, trained)}")
    return names
