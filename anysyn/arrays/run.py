"""A trained run that is called with images in memory."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from anysyn.acquisition import Acquisition
from anysyn.arrays.kinds import kind_of, volumes_of
from anysyn.bounds import Count, within_bounds
from anysyn.data.geometry.grid import Grid
from anysyn.data.modalities import modality, named, recognise
from anysyn.data.volumes.study import Study, study_of
from anysyn.data.volumes.volume import Volume
from anysyn.errors import UserError
from anysyn.registry import suggest
from anysyn.suitability import Verdict
from anysyn.synthesis.files import assumptions_record, grid_record, output_grid, synthesize_physical
from anysyn.synthesis.loaded_run import LoadedRun, load_run
from anysyn.synthesis.notice import NOTICE
from anysyn.synthesis.physical_range import PhysicalImage
from anysyn.synthesis.requests.acquisition import PERSON, check_conditioned, requested_acquisitions
from anysyn.synthesis.suited import saw_truth, verdict_on, verdict_record
from anysyn.text.several import several
from anysyn.training.run_folder.folder import RunFolder
from anysyn.training.run_folder.names import HasFolder


@dataclass(frozen=True, eq=False)
class Answer:
    """Synthetic images, and what there is to say about each.

    Args:
        images: By canonical name of the modality, of the kind of the source whose grid they have.
        records: By the same name, the entries that the sidecar of a file would have: whether the run suits the sources,
            the grid, the physical range and how many voxels were beyond it, and units that were assumed.
        shown: Canonical names of the sources.

    Example:
        >>> list(Answer({}, {"T2w": {"Suitability": {"Level": "warn", "Findings": ["T1w: is coarse"]}}}).remarks())
        ['T1w: is coarse']
    """

    images: Mapping[str, Any]
    records: Mapping[str, Mapping[str, Any]]
    shown: tuple[str, ...] = ()

    def remarks(self) -> Iterator[str]:
        """Yield what the user should know: doubts about the sources, units that were assumed, and a target shown."""
        for name in self.shown:
            if name in self.images:
                yield saw_truth(name)
        record = next(iter(self.records.values()), {})
        suitability = record.get("Suitability", {})
        yield from suitability.get("Findings", ())
        if suitability.get("Level") == "unknown":
            yield "whether the run suits the sources is unknown: it has no profile of training images like them"
        yield from (f"{name}: {how}" for name, how in record.get("AssumedUnits", {}).items())


@dataclass(frozen=True)
class Run:
    """A trained run: call it with images in memory.

    Args:
        loaded: The recipe with its networks.
    """

    loaded: LoadedRun

    def __repr__(self) -> str:
        """Return the name, the contrasts, the voxel size and the device."""
        return f"Run({self.loaded.label})"

    @property
    def folder(self) -> RunFolder:
        """Return the folder that it was loaded from."""
        return self.loaded.folder

    @property
    def modalities(self) -> tuple[str, ...]:
        """Return the modalities that it was trained for."""
        return tuple(self.loaded.recipe.modalities)

    def __call__(
        self,
        images: Mapping[str, Any] | None = None,
        /,
        *,
        target: str | Sequence[str] | None = None,
        targets: str | Sequence[str] | None = None,
        **options: Any,
    ) -> Any:
        """Synthesize images, and warn of what there is to doubt.

        Args:
            images: Sources by modality.
            target: Modality to synthesize, or several.
            targets: The same.
            options: More sources by modality, ``T1w=t1``, and the options of `answer`.

        Returns:
            The image; or, for a list of targets, the images by canonical name of the modality. They are synthetic, not
            for clinical use.

        Raises:
            UserError: As `answer`.
        """
        asked = _asked(target, targets, self.modalities)
        answer = self.answer(images, targets=asked, **options)
        for remark in answer.remarks():
            warnings.warn(remark, stacklevel=2)
        return next(iter(answer.images.values())) if isinstance(asked, str) else dict(answer.images)

    @within_bounds
    def answer(
        self,
        images: Mapping[str, Any] | None = None,
        /,
        *,
        targets: str | Sequence[str] | None = None,
        target: str | Sequence[str] | None = None,
        affine: Any = None,
        resample_to: str | None = None,
        spacing: Sequence[float] | None = None,
        acquisition: Acquisition | Mapping[str, Acquisition] | None = None,
        dataset: str | None = None,
        units: Mapping[str, str] | None = None,
        batch: Count = 8,
        anyway: bool = False,
        **sources: Any,
    ) -> Answer:
        """Synthesize images, with a record of each.

        Args:
            images: Sources by modality: (X, Y, Z), or with axes of length one around them, of any number type.
            targets: Modality to synthesize, or several.
            target: The same.
            affine: Where the voxels of arrays and tensors lie, (4, 4), voxel to world in mm, RAS+; one for all of them,
                or one by modality.
            resample_to: Source whose grid the others are resampled to if they differ.
            spacing: Voxel edge lengths of the answer in mm; for images that say where they lie.
            acquisition: Requested acquisition of the target, or several by modality.
            dataset: Treat the sources as this training dataset, or ``mean``.
            units: Units of the sources by modality, where they are not plain: ``{"PET": "SUV"}``.
            batch: Slices or patches at once.
            anyway: Whether to synthesize from sources that the run does not suit, too.
            sources: More sources, ``T1w=t1``.

        Returns:
            Images of the kind of the first source, or of ``resample_to``, on its grid to the bit.

        Raises:
            UserError: If a source cannot be used or the run does not suit it, or a modality is unknown.
        """
        run, shown = self.loaded.treat_as(dataset), _shown(images, sources, self.modalities)
        wanted = _wanted(_asked(target, targets, self.modalities), self.modalities)
        check_conditioned(run.model, acquisition)
        volumes = volumes_of(shown, affine)
        study = _study(volumes, resample_to, units, acquisition)
        first = modality(resample_to).name if resample_to else next(iter(shown))
        onto = None if spacing is None else _finer(study.grid, spacing, shown[first])
        grid, names = onto or study.grid, list(shown)
        verdict = verdict_on(run, study, names, anyway=anyway)
        requested = requested_acquisitions(acquisition, wanted, study.acquisitions[first], grid)
        made = synthesize_physical(run, study, names, wanted, batch, onto=onto, acquisitions=requested)
        return Answer(
            _like(shown[first], volumes[first], made, grid),
            _records(made, grid_record(grid, study.grid), verdict, assumptions_record(study, names)),
            tuple(names),
        )


def load(run: str | Path | HasFolder, *, stage: str | None = None, accelerator: str = "auto") -> Run:
    """Load a trained run, to be called with images in memory.

    ``anysyn.load("brain-mri")(T1w=t1, affine=affine, target="FLAIR")``: numpy or torch in, the same out; so for images
    of nibabel, SimpleITK and MONAI, which need no affine.

    Args:
        run: The run folder, the name of a packaged run, or a run that is loaded already.
        stage: Take the weights at the end of this stage; by default those at the end of training.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.

    Raises:
        RunError: If it is no run, or its training is not finished.

    Example:
        >>> load("nowhere")
        Traceback (most recent call last):
        anysyn.training.run_folder.records.RunError: nowhere holds no recipe.yaml: it is not a run folder, ...
    """
    return Run(load_run(run, stage=stage, accelerator=accelerator))


def _shown(images: Mapping[str, Any] | None, sources: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    """Return the sources by canonical name."""
    if not isinstance(images, Mapping | None):
        raise UserError(
            f"images: a {type(images).__name__} does not say which contrast it is; hand in the images of one person by "
            "contrast, for example run(T1w=t1, target='T2w')"
        )
    given = [*(images or {}).items(), *sources.items()]
    if strange := [name for name in (images or {}) if recognise(str(name)) is None]:
        raise UserError(
            f"images: {', '.join(map(str, strange))}: no contrast; hand in sources alone, this run knows "
            f"{', '.join(known)}"
        )
    if strange := [name for name in sources if recognise(name) is None]:
        options = inspect.signature(Run.answer).parameters.keys() - {"self", "images", "sources"}
        raise UserError(f"{strange[0]}=: no contrast and no option; {suggest(strange[0], [*known, *options])}")
    shown = {modality(name).name: image for name, image in given}
    if not shown:
        raise UserError("no source; hand in images by modality, for example T1w=t1")
    if len(shown) < len(given):
        raise UserError(f"sources: {', '.join(name for name, _ in given)} name one modality twice; hand in one of each")
    return shown


def _asked(
    target: str | Sequence[str] | None, targets: str | Sequence[str] | None, known: Sequence[str]
) -> str | Sequence[str]:
    """Return what is asked for, by either spelling."""
    if target is not None and targets is not None:
        raise UserError("target, targets: are one; give one of them")
    asked = targets if target is None else target
    if asked is None:
        raise UserError(f"target: none is named; this run knows {', '.join(known)}")
    return asked


def _wanted(targets: str | Sequence[str], known: Sequence[str]) -> list[str]:
    wanted = [modality(name, choices=known).name for name in several(targets)]
    if not wanted or len(set(wanted)) < len(wanted):
        raise UserError(f"target: {', '.join(wanted) or 'none'}; name one or more modalities, each once")
    return wanted


def _study(
    volumes: Mapping[str, Volume],
    resample_to: str | None,
    units: Mapping[str, str] | None,
    acquisition: Acquisition | Mapping[str, Acquisition] | None,
) -> Study:
    """Return the sources on one grid, acquired of the person that the requested acquisition is of."""
    stated = {modality(name).name: unit for name, unit in (units or {}).items()}
    unused = sorted(stated.keys() - volumes.keys())
    if unused:
        raise UserError(f"units: of {', '.join(unused)}, which is no source; {suggest(unused[0], volumes)}")
    study = study_of(volumes, resample_to=resample_to, units=stated)
    person = acquisition if isinstance(acquisition, Acquisition) else Acquisition()
    known = {key: getattr(person, key) for key in PERSON}
    return replace(study, acquisitions={name: named(Acquisition(**known), name) for name in volumes})


def _finer(here: Grid, spacing: Sequence[float], source: Any) -> Grid:
    """Return the grid of an answer with voxels of another size; an array could not say where they lie."""
    if not kind_of(source, "the source").placed:
        raise UserError("spacing: an array cannot say where its new voxels lie; hand in a nibabel image instead")
    return output_grid(here, spacing)


def _like(source: Any, read: Volume, made: Mapping[str, PhysicalImage], grid: Grid) -> dict[str, Any]:
    kind = kind_of(source, "the source")
    return {name: kind.like(source, read, Volume(image.voxels, grid.affine)) for name, image in made.items()}


def _records(
    made: Mapping[str, PhysicalImage], grid: Mapping[str, Any], verdict: Verdict, assumed: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    shared = {"Synthetic": True, "Description": NOTICE, "Grid": grid, **verdict_record(verdict), **assumed}
    return {name: {"Target": name, **shared, **image.record()} for name, image in made.items()}
