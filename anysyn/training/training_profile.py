"""The profile of a run: what its training images look like, measured and kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from anysyn import build
from anysyn.data.errors import VolumeError
from anysyn.data.records import Subject
from anysyn.data.volumes.study import read_study
from anysyn.errors import UserError
from anysyn.files import locked
from anysyn.progress import Progress
from anysyn.recipe import Recipe
from anysyn.suitability import Appearance, profile_of, versions
from anysyn.training.cohorts.selection import find_cohort
from anysyn.training.run_folder.folder import RunFolder

PROFILE = "profile.json"
MOST = 32  # subjects, evenly spread: the statistics of more differ little, and each is read once more


def keep_profile(recipe: Recipe, folder: RunFolder, subjects: Sequence[Subject], progress: Progress) -> None:
    """Measure the training images of a run and write ``profile.json``, unless the run has one.

    Args:
        recipe: The checked recipe.
        folder: The run folder.
        subjects: The training subjects.
        progress: What shows the progress.
    """
    if (folder.path / PROFILE).is_file():  # a resumed run keeps its own
        return
    chosen = spread(distinct(subjects), MOST)
    measured = _measured(recipe, progress.over("profile", chosen))
    profile = profile_of(measured)
    folder.write(PROFILE, {"subjects": len(subjects), "measured": len(chosen), **profile.to_json()})


def make_profile(folder: RunFolder, progress: Progress) -> None:
    """Make the profile of a run that was trained without one, from its training data, which have to be there.

    Args:
        folder: The run folder.
        progress: What shows the progress.

    Raises:
        UserError: If the folder is no run or a packaged one, another process writes there, or none of the training
            subjects is found.
    """
    folder.place(PROFILE, "leave --make-profile out; a profile is made of the training images, before packing")
    recipe = build.load(folder.recipe, lay_out=False)
    keys = set(folder.read("split.json")["train"])
    subjects = [subject for subject in find_cohort(recipe).subjects if subject.key in keys]
    if not subjects:
        raise UserError(f"{recipe.data.root}: none of the run's training subjects is there, so nothing can be measured")
    with locked(folder.path, "anysyn check --make-profile"):
        keep_profile(recipe, folder, subjects, progress)


def distinct(subjects: Sequence[Subject]) -> list[Subject]:
    """Return subjects without those whose files another one has, too: a list may name a person several times.

    Example:
        >>> people = [Subject(key, "", {"T1w": file}, {}, {}) for key, file in (("a", "1.nii"), ("b", "1.nii"))]
        >>> [subject.key for subject in distinct(people)]
        ['a']
    """
    by_files = {tuple(sorted(map(str, subject.images.values()))): subject for subject in reversed(subjects)}
    return list(reversed(by_files.values()))


def spread(subjects: Sequence[Subject], most: int) -> list[Subject]:
    """Choose at most so many subjects at even distances, from the first on.

    Example:
        >>> spread("abcdef", 3)
        ['a', 'c', 'e']
    """
    count = min(len(subjects), most)
    return [subjects[n * len(subjects) // count] for n in range(count)]


def _measured(recipe: Recipe, subjects: Iterable[Subject]) -> Iterator[dict[str, list[Appearance]]]:
    for subject in subjects:
        for name in (name for name in recipe.modalities if name in subject.images):
            try:
                study = read_study(subject, modalities=[name])  # alone: on its own grid, as the scanner made it
            except VolumeError:  # blank, or unusable: the cohort lists it
                continue
            yield versions(study)
