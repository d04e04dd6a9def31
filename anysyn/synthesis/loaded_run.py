"""A trained run, ready to synthesize."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from anysyn import build
from anysyn.acquisition import Acquisition
from anysyn.bounds import Count, within_bounds
from anysyn.data.geometry.grid import Grid
from anysyn.data.geometry.output_grid import Raster
from anysyn.data.inventory.inventory import Inventory, needed
from anysyn.data.inventory.participants import of_people
from anysyn.data.loading.study_batch import batch_of
from anysyn.data.modalities import modality
from anysyn.data.prepare import Pipeline, TypicalWindows
from anysyn.data.prepare.resample import Resample
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.data.subjects.layouts.bids_labels import Labels
from anysyn.data.subjects.placeholders import absent_images, without_blank
from anysyn.data.subjects.remedies import OF_DATA, OF_TABLE
from anysyn.data.views import View
from anysyn.data.volumes.study import Study, read_study
from anysyn.errors import RecipeError, UserError
from anysyn.nn.layout import without_memory
from anysyn.progress import Progress, progress_of
from anysyn.recipe import Recipe
from anysyn.recipe.sections import Precision
from anysyn.registry import suggest
from anysyn.synthesis.fold_batch_norms import fold_batch_norms
from anysyn.synthesis.requests.dataset import Datasets, check_dataset, reads_dataset
from anysyn.synthesis.tiling.tiles import Tile, TiledOutput
from anysyn.synthesizer import Synthesizer
from anysyn.text.several import several
from anysyn.training.cohorts.selection import find_cohort
from anysyn.training.devices import Hardware, emulated, hardware_on
from anysyn.training.run_folder.checkpoints import Checkpoints, check_shapes, fitting
from anysyn.training.run_folder.folder import RunError, RunFolder
from anysyn.training.run_folder.names import HasFolder, find_run


@dataclass(frozen=True)
class LoadedRun:
    """A trained recipe with its networks.

    Args:
        folder: The run folder.
        recipe: Its recipe.
        model: Its synthesizer, with the trained weights, in evaluation mode, batch norms folded into convolutions.
        pipeline: Its preparation, with the typical windows of its training subjects.
        view: How volumes are cut for the network.
        hardware: Device and precision.
        datasets: Those of its training.
        dataset: Treat every study as this training dataset, or as the ``mean`` of all; by default as its own.
        progress: Shows how far the tiles of a volume are.
    """

    folder: RunFolder
    recipe: Recipe
    model: Synthesizer
    pipeline: Pipeline
    view: View
    hardware: Hardware
    datasets: Datasets = field(default_factory=Datasets)
    dataset: str | None = None
    progress: Progress = field(default_factory=Progress)

    def __repr__(self) -> str:
        """Return one line, where the networks would take pages."""
        return f"LoadedRun({self.label})"

    @property
    def label(self) -> str:
        """Return the run in a line: name, contrasts, voxel size and device."""
        edges = next((step.spacing for step in reversed(self.pipeline.steps) if isinstance(step, Resample)), None)
        voxels = "as they come" if edges is None else "x".join("any" if e is None else f"{e:g}" for e in edges) + " mm"
        about = f"{self.folder.path.name}: {', '.join(self.recipe.modalities)}; voxels {voxels}"
        return f"{about}; {self.hardware.device}, {self.hardware.precision}"

    def subjects(
        self, root: str | Path | None = None, split: str = "test"
    ) -> tuple[list[Subject], tuple[Failure, ...]]:
        """Find the subjects of a part of the split, or ``all``, in the training data or in another cohort.

        Their blank images count as absent (`Subject.absent`).

        Raises:
            UserError: If there is no such part, or no subject in it.
        """
        inventory = self.inventory(root, split)
        return list(inventory.subjects), inventory.failures

    def inventory(
        self,
        root: str | Path | None = None,
        split: str = "test",
        modalities: str | Sequence[str] | None = None,
        participants: str | Sequence[str] | None = None,
        sessions: str | Sequence[str] | None = None,
        bids: Labels | None = None,
    ) -> Inventory:
        """Return what is read of a part of the split, or of ``all``, in the training data or in another cohort.

        Args:
            root: Another cohort.
            split: ``train``, ``validation``, ``test`` or ``all``.
            modalities: Those that are used; a file of another one that cannot be read is no failure. By default all
                modalities of the run.
            participants: Labels of the people to return, as BIDS has them; all by default.
            sessions: Labels of their sessions to return; all by default.
            bids: Labels of the files to use, instead of those of the recipe; None if the caller takes none.

        Raises:
            UserError: If there is no such part, or no subject in it, or nobody of one of the labels.
        """
        if split != "all" and self.folder.packaged:
            raise UserError(f"{self.folder.path} is a packaged run and names nobody of its training; use --split all")
        names = tuple(several(modalities or self.recipe.modalities))
        remedies = OF_TABLE if bids is None else OF_DATA
        found = needed(find_cohort(self.recipe, root, bids=bids, remedies=remedies), names)
        where = Path(root or self.recipe.data.root or "")
        found = of_people(found, participants, sessions, where)
        if split == "all":
            return Inventory(root=where, found=self._present(found), needed=names)
        parts: dict[str, list[str]] = self.folder.read("split.json")
        if split not in parts:
            raise UserError(f"no split {split!r}; {suggest(split, [*parts, 'all'])}")
        keys = set(parts[split])
        chosen = tuple(subject for subject in found.subjects if subject.key in keys)
        if not keys:
            raise UserError(
                f"{self.folder.path}: no {split} subject, since the training had too few people for one or wanted none "
                f"(data.split.{split}); give other people: --data FOLDER --split all (data='FOLDER', split='all')"
            )
        if not chosen:
            raise UserError(
                f"{where}: none of the run's {split} subjects is there; of another cohort, use --split all ('all')"
            )
        failures, ignored = (
            tuple(case for case in cases if case.key in keys) for cases in (found.failures, found.ignored)
        )
        part = self._present(replace(found, subjects=chosen, failures=failures, ignored=ignored))
        return Inventory(root=where, found=part, needed=names, parts={subject.key: split for subject in chosen})

    def _present(self, found: FoundSubjects) -> FoundSubjects:
        """Return subjects whose blank images count as absent and are listed as not used."""
        subjects = tuple(without_blank(subject, self.recipe.modalities) for subject in found.subjects)
        return replace(found, subjects=subjects, ignored=(*found.ignored, *absent_images(subjects)))

    def prepare(self, subject: Subject, resample_to: str | None = None) -> Study:
        """Read a subject and prepare it as in training.

        Raises:
            VolumeError: If it cannot be used.
        """
        names = self.recipe.modalities
        study = read_study(subject, modalities=names, resample_to=resample_to or self.recipe.data.resample_to)
        return self.pipeline(study)[0]

    @within_bounds
    def predict(
        self,
        study: Study,
        sources: str | Sequence[str],
        targets: str | Sequence[str],
        batch: Count = 8,
        *,
        onto: Grid | None = None,
        acquisitions: Mapping[str, Acquisition] | None = None,
    ) -> dict[str, Tensor]:
        """Synthesize targets of a prepared study, in prepared intensities.

        Background is left out; tiles that overlap are blended; each tile is encoded once for all targets.

        Args:
            study: What `prepare` returned.
            sources: Modalities shown to the network.
            targets: Modalities to synthesize.
            batch: Tiles at once, which bounds the memory.
            onto: Grid of the output, of any voxel size, for example ``with_spacing(study.grid, (0.8, 0.8, 1.2))``; that
                of the study by default. Voxels outside the study are air.
            acquisitions: Requested acquisitions by modality; by default those of the study's own images. The voxel size
                is that of the output.

        Returns:
            (X, Y, Z) by modality.

        Raises:
            UserError: If a modality is unknown to the recipe, a source is not in the study, the grid is turned against
                that of the study, or the network is conditioned on the dataset and does not know that of the study.
        """
        shown, wanted = (self._known(words) for words in (sources, targets))
        missing = [name for name in shown if name not in study.images]
        if missing:
            raise UserError(f"{study.key}: has no {', '.join(missing)}; {suggest(missing[0], study.images)}")
        raster = Raster.same(study.grid.shape) if onto is None else Raster.between(study.grid, onto)
        air = torch.tensor([study.air(name) for name in wanted])  # (K,)
        output = TiledOutput(self.view, raster, air, getattr(self.model, "pointwise", False))
        known, spacing = acquisitions or {}, output.spacing(study.grid)
        records = [known.get(name) or study.acquisition(name) or Acquisition(modality=name) for name in wanted]
        requested = {name: replace(record, voxel_size_mm=spacing) for name, record in zip(wanted, records, strict=True)}
        for tiles in self.progress.over("synthesizing", list(output.tiles(study.foreground, batch))):
            for tile, images in zip(tiles, self._synthesize(study, shown, requested, tiles), strict=True):
                output.put(tile, images)
        return dict(zip(wanted, output.images(), strict=True))

    def dataset_weights(self, study: Study) -> Tensor:
        """Return the mixing weights (1, N) over the datasets that a study is treated as, by default its own.

        Raises:
            UserError: If the network is conditioned on the dataset and does not know it; the message lists the choices.
        """
        if not reads_dataset(self.model):
            return torch.ones(1, 1)
        return self.datasets.weights(study.dataset if self.dataset is None else self.dataset)

    def treat_as(self, dataset: str | None) -> LoadedRun:
        """Return the run that treats every study as one training dataset, as their ``mean``, or (None) as before.

        Raises:
            UserError: If the network is not conditioned on the dataset, or does not know this one.
        """
        check_dataset(self.model, self.datasets, dataset)
        return self if dataset is None else replace(self, dataset=dataset)

    def _known(self, words: str | Sequence[str]) -> list[str]:
        known = self.recipe.modalities
        names = list(dict.fromkeys(modality(word, choices=known).name for word in several(words)))
        for name in names:
            if name not in known:
                raise UserError(f"this run knows no {name!r}; {suggest(name, known)}")
        return names

    @torch.inference_mode()
    def _synthesize(
        self, study: Study, sources: Sequence[str], requested: Mapping[str, Acquisition], tiles: Sequence[Tile]
    ) -> Tensor:
        """Synthesize tiles that have the same places: (B, K, *S) or (B, K, *N)."""
        names, places, device = list(self.recipe.modalities), tiles[0].places, self.hardware.device
        batch = batch_of(
            study,
            [tile.box for tile in tiles],
            view=self.view,
            modalities=names,
            dataset=self.dataset_weights(study),
            sources=sources,
        )
        shown, wanted = (
            torch.tensor([[names.index(name) for name in those]] * len(tiles)) for those in (sources, requested)
        )
        query = replace(batch.ask(shown, wanted), target_acquisitions=(tuple(requested.values()),) * len(tiles))
        with self.hardware.autocast():
            lattice = None if places is None else places.to(device)
            images: Tensor = self.model(batch.to(device), query.to(device), lattice).images
        return images


def load_run(
    folder: str | Path | HasFolder,
    *,
    stage: str | None = None,
    accelerator: str = "auto",
    precision: Precision | None = None,
    packages: Path | None = None,
    progress: Progress | bool | None = None,
) -> LoadedRun:
    """Load a trained run: its synthesizer, and only those other networks that it refers to.

    Args:
        folder: The run folder, or the name of a packaged run.
        stage: Load the weights at the end of this stage; by default those at the end of training.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        precision: Arithmetic of the networks: ``32-true``, ``bf16-mixed`` or ``16-mixed``; by default the recipe's.
        packages: Folder of the packaged runs; that of anysyn by default.
        progress: Shows how far the tiles of a volume are; None shows nothing.

    Raises:
        RunError: If the folder is not a run, or its training is not finished.
        UserError: If there is no such accelerator or precision.
    """
    run = find_run(folder, packages=packages)
    if not run.weights.is_file():
        raise RunError(f"{run.path} holds no weights yet; go on with `anysyn train --resume {run.path}`")
    recipe = build.load(run.recipe, lay_out=False)
    shown, hardware = progress_of(progress), hardware_on(accelerator, precision or recipe.precision)
    if slow := emulated(hardware.device, hardware.precision):
        shown.say(f"note: {slow}")
    name = _synthesizer(recipe)
    parts = networks(run, recipe, only=[name], stage=stage)
    steps = [build.make(recipe, spec, "prepare") for spec in recipe.data.prepare]
    with fitting(run.path / "windows.json"):
        windows = TypicalWindows.from_json(run.read("windows.json"))
    datasets = Datasets(run.read("datasets.json"), list(windows.datasets))
    model = cast(Synthesizer, fold_batch_norms(parts[name].eval())).to(hardware.device)
    view = build.make(recipe, recipe.data.view, "view")
    pipeline = Pipeline(tuple(steps), windows)
    return LoadedRun(run, recipe, model, pipeline, view, hardware, datasets, progress=shown)


def networks(
    run: RunFolder, recipe: Recipe, *, only: Iterable[str] | None = None, stage: str | None = None
) -> torch.nn.ModuleDict:
    """Build networks of a run with their trained weights.

    Args:
        run: The run folder.
        recipe: Its recipe.
        only: Names of the parts to build, with the parts that they refer to. All by default.
        stage: Load the weights at the end of this stage; by default those at the end of training.

    Raises:
        RunError: If there is no such stage, or its weights are missing or do not fit.
    """
    stages = [known.name for known in recipe.stages]
    if stage is not None and stage not in stages:
        raise RunError(f"{run.path} has no stage {stage!r}; {suggest(stage, stages)}")
    weights = Checkpoints(run).load_weights(stage)
    path = run.weights if stage is None else run.stage_weights(stage)
    wanted = None if only is None else list(only)
    with fitting(path), without_memory():  # a recipe that names larger networks than the file holds takes no memory
        check_shapes(weights, _built(run, recipe, wanted))
    parts = _built(run, recipe, wanted)
    with fitting(path):
        parts.load_state_dict({name: value for name, value in weights.items() if name.split(".")[0] in parts})
    return parts


def _built(run: RunFolder, recipe: Recipe, wanted: list[str] | None) -> torch.nn.ModuleDict:
    """Build networks of a run; a checkpoint that its recipe names and cannot be had is no fault of its weights."""
    try:
        return build.parts(recipe, wanted, untrained=False)
    except RecipeError as error:
        raise RunError(f"{run.recipe}: {error}") from error


def _synthesizer(recipe: Recipe) -> str:
    names = build.named(recipe, Synthesizer)
    if not names:
        raise RunError(f"the recipe has no synthesizer among its parts ({', '.join(recipe.parts)})")
    return names[-1]  # the one that the last stages train
