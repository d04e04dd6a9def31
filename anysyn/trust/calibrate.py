"""Calibration of a run: its errors on people it was not trained on say how large those are that nobody can measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import torch

from anysyn.bounds import Count, ShareBelowOne, within_bounds
from anysyn.data.records import Failure, Subject, listed
from anysyn.errors import UserError
from anysyn.progress import Progress, progress_of
from anysyn.seeds import seeded
from anysyn.synthesis.given_run import GivenRun, loaded_run
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.text.in_notebooks import LinesInNotebooks
from anysyn.training.training_profile import spread
from anysyn.trust.calibrator import Calibrator, Errors, fit
from anysyn.trust.conformal import coverage, pooled_quantile
from anysyn.trust.evidence import gather
from anysyn.trust.trusted import COPY, NAME, Calibration, write_calibration

VOXELS = 20_000  # of each synthesis
LEAST, FOLDS = 2, 5


@dataclass(frozen=True)
class Calibrated(LinesInNotebooks):
    """A calibrated run.

    Args:
        path: The file in its folder.
        calibration: What it holds.
        failures: People that could not be used.
    """

    path: Path
    calibration: Calibration
    failures: tuple[Failure, ...] = ()

    def __repr__(self) -> str:
        """Return the first of its lines."""
        return f"Calibrated({next(self.lines())})"

    def lines(self) -> Iterator[str]:
        """Yield what was found, a line each."""
        yield f"{self.path}: calibrated on {self.calibration.people} people"
        for name, share in self.calibration.coverage.items():
            wide = self.calibration.quantiles[name]
            yield f"  {name}: {share:.1%} of the voxels of a person left out within {wide:.2f} expected errors"


@within_bounds
def calibrate(
    run: GivenRun,
    *,
    data: str | Path | None = None,
    split: str = "validation",
    most: Count | None = None,
    level: ShareBelowOne = 0.9,
    batch: Count = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | bool | None = None,
) -> Calibrated:
    """Fit what a run's synthesis is to be trusted by, on people with all contrasts, and keep it in the run's folder.

    Args:
        run: A run folder, or a run that is loaded already.
        data: A cohort; that of the training by default.
        split: Part of it; by default the validation, which no weight was fitted to.
        most: Subjects at most, evenly spread; all by default.
        level: Share of the voxels that an interval is to hold, above 0.5 and below 1.
        batch: Slices or patches at once.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        overwrite: Whether an earlier calibration may be replaced.
        progress: True shows it, in a notebook as a line for each task; or what shows it.

    Raises:
        UserError: If fewer than two people have two contrasts, there is a calibration already, or it is a packaged run.
    """
    if not 0.5 < level < 1:
        raise UserError(f"--level {level:g}: write a share above 0.5 and below 1, for example 0.9")
    loaded = loaded_run(run, accelerator=accelerator)
    place = loaded.folder.place(NAME, COPY)
    if place.exists() and not overwrite:
        raise UserError(f"{place} exists; allow replacing it with --overwrite")
    inventory = loaded.inventory(data, split)
    failures, errors = list(inventory.failures), list[Errors]()
    subjects = spread(inventory.subjects, most or len(inventory.subjects))
    for subject in progress_of(progress).over("calibrate", subjects):
        with listed(failures, subject.key):
            errors += errors_of(loaded, subject, batch=batch)
    calibration = calibrated(errors, list(loaded.recipe.modalities), level=level, seed=loaded.recipe.seed)
    return Calibrated(write_calibration(calibration, loaded), calibration, tuple(failures))


def errors_of(run: LoadedRun, subject: Subject, *, batch: int = 8) -> list[Errors]:
    """Return voxels of each contrast of a subject, synthesized from all others and from one of them."""
    study = run.prepare(subject)
    names = [name for name in run.recipe.modalities if name in study.images]
    generator = seeded(run.recipe.seed, crc32(subject.key.encode()))
    found = []
    for target in names:
        others = [name for name in names if name != target]
        alone = others[int(torch.randint(len(others), (1,), generator=generator))] if others else ""
        for sources in dict.fromkeys([tuple(others), (alone,)] if others else []):
            made = gather(run, study, sources, [target], batch=batch)[target]
            inside = study.foreground.flatten().nonzero().squeeze(1)  # (V,)
            chosen = inside[torch.randint(len(inside), (min(VOXELS, len(inside)),), generator=generator)]
            error = (made.image - study.images[target]).abs().flatten()[chosen]  # (V,)
            number = list(run.recipe.modalities).index(target)
            person = subject.person or subject.key
            found.append(Errors(person, number, made.kinds.flatten(1).T[chosen], error))  # (V, E)
    return found


def calibrated(errors: Sequence[Errors], names: Sequence[str], *, level: float, seed: int = 0) -> Calibration:
    """Fit a calibrator to the errors of several people, and the width of intervals to those each fit has not seen.

    Cross-conformal (Vovk, 2015): in up to five folds of people the calibrator is fitted to the others, and the scores
    ``|e| / b`` of the fold come from it; the one that is kept is fitted to everybody.

    Args:
        errors: Of several people.
        names: Modalities of the recipe.
        level: Share of the voxels that an interval is to hold.
        seed: Of the fits.

    Raises:
        UserError: If there are fewer than two people.
    """
    people = list(dict.fromkeys(one.person for one in errors))
    if len(people) < LEAST:
        raise UserError(
            f"{len(people)} people with two contrasts or more are too few to calibrate on; {LEAST} are needed: "
            "give others with --data, or another --split"
        )
    folds = [people[number :: min(FOLDS, len(people))] for number in range(min(FOLDS, len(people)))]
    left_out: list[tuple[Errors, torch.Tensor]] = []
    for number, fold in enumerate(folds):
        rest = [one for one in errors if one.person not in fold]
        model = fit(rest, targets=len(names), generator=seeded(seed, number + 1))
        left_out += [(one, _expected(model, one)) for one in errors if one.person in fold]
    quantiles, shares = {}, {}
    for target in sorted({one.target for one in errors}):
        own = [_of_person(person, target, left_out) for person in people]
        known = [person for person in own if person]
        width = pooled_quantile([[error / expected for error, expected in one] for one in known], level)
        held = [sum(coverage(error, expected, width) for error, expected in one) / len(one) for one in known]
        quantiles[names[target]], shares[names[target]] = width, sum(held) / len(held)
    whole = fit(errors, targets=len(names), generator=seeded(seed, 0))
    return Calibration(whole, quantiles, level, len(people), shares)


def _of_person(
    person: str, target: int, left_out: Sequence[tuple[Errors, torch.Tensor]]
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return true and expected errors of each synthesis of a target of one person."""
    return [(one.error, expected) for one, expected in left_out if (one.person, one.target) == (person, target)]


def _expected(calibrator: Calibrator, one: Errors) -> torch.Tensor:
    return calibrator(one.evidence, torch.full((len(one.error),), one.target))  # type: ignore[no-any-return]
