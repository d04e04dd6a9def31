"""The contrasts that subjects lack, the sources to synthesize them from, and the files to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from anysyn import build
from anysyn.data.modalities import modality
from anysyn.data.records import Subject
from anysyn.data.subjects.layouts.bids import bids_name, bids_place
from anysyn.errors import UserError
from anysyn.queries import Queries
from anysyn.recipe import Recipe
from anysyn.registry import suggest
from anysyn.text.counts import counted
from anysyn.text.several import several

SYNTHETIC = "synthetic"  # label in the names of the output: desc-synthetic


@dataclass(frozen=True)
class Trained:
    """The modalities that a run was trained to read, best first and ``most`` at a time, and to synthesize."""

    sources: Sequence[str]
    targets: Sequence[str]
    most: int


@dataclass(frozen=True)
class Missing:
    """The contrasts that one subject lacks, by modality the file of each, and the sources to synthesize them from."""

    subject: Subject
    sources: tuple[str, ...]
    files: dict[str, Path]

    def place(self, out: Path) -> Path:
        """Return the folder of the subject in an output."""
        return out / bids_place(self.subject.key)[0]


def trained_for(
    recipe: Recipe, sources: str | Sequence[str] | None = None, targets: str | Sequence[str] | None = None
) -> Trained:
    """Return the sources and the targets of a recipe's last stage.

    Args:
        recipe: The checked recipe.
        sources: Some of its sources, best first; all by default, in the order of the recipe.
        targets: Some of its targets; all by default.

    Raises:
        UserError: If one of these is not among those of the training.

    Example:
        >>> trained = trained_for(build.load("small/label"), targets=["t2", "flair"])
        >>> trained.targets, trained.most
        (['T2w', 'FLAIR'], 2)
    """
    last = ([stage for stage in recipe.stages if stage.epochs] or recipe.stages)[
        -1
    ]  # networks may be kept as they were
    queries: Queries = build.make(recipe, last.queries, "queries")
    may_show, may_ask = (
        [name for name, may in zip(recipe.modalities, allowed, strict=True) if may]
        for allowed in (queries.may_show, queries.may_ask)
    )
    return Trained(_chosen(may_show, sources, "--sources"), _chosen(may_ask, targets, "--targets"), queries.most)


def missing(subjects: Sequence[Subject], trained: Trained, out: Path) -> list[Missing]:
    """List the targets of a run that each subject lacks, and the sources to synthesize them from.

    Args:
        subjects: The subjects.
        trained: Sources and targets of the run.
        out: Folder of the output, named as in BIDS.

    Raises:
        UserError: If two subjects would get the same name.
    """
    keys: dict[str, str] = {}
    gaps = []
    for subject in subjects:
        folder, label = bids_place(subject.key)
        if (other := keys.setdefault(label, subject.key)) != subject.key:
            raise UserError(f"{other} and {subject.key} would both be called {label}; rename one of them")
        lacks = {
            name: out / folder / bids_name(label, name, described=SYNTHETIC)
            for name in trained.targets
            if name not in subject.images
        }
        sources = tuple(name for name in trained.sources if name in subject.images)[: trained.most]
        gaps.append(Missing(subject, sources, lacks))
    return gaps


def _chosen(trained: Sequence[str], words: str | Sequence[str] | None, option: str) -> Sequence[str]:
    names = (
        trained
        if words is None
        else list(dict.fromkeys(modality(word, choices=trained).name for word in several(words)))
    )
    for name in names:
        if name not in trained:
            raise UserError(f"{option}: this run was not trained for {name!r}; {suggest(name, trained)}")
    return names


def not_trained(subjects: Sequence[Subject], recipe: Recipe, targets: Sequence[str]) -> Iterator[str]:
    """Yield a line for each modality that subjects lack and the run only reads.

    Args:
        subjects: With the images that were acquired.
        recipe: The checked recipe.
        targets: The modalities that it synthesizes, and those of which another line says so.
    """
    for name in recipe.modalities:
        lacking = sum(name not in subject.images for subject in subjects)
        if lacking and name not in targets:
            lack = counted(lacking, "subject lacks", "subjects lack")
            yield f"not synthesized: {name}, which {lack}: this run was trained to read it only"
