"""A trained run, ready to answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import safetensors.torch
import torch
from lightning_fabric import Fabric
from torch import Tensor

from anysyn import build
from anysyn.acquisition import Acquisition
from anysyn.data.geometry.grid import Grid
from anysyn.data.geometry.output_grid import Raster
from anysyn.data.modalities import modality
from anysyn.data.prepare import Pipeline, TypicalWindows
from anysyn.data.records import Failure, Subject
from anysyn.data.subjects.find import find_subjects
from anysyn.data.views import View
from anysyn.data.volumes.study import Study, read_study
from anysyn.errors import UserError
from anysyn.points import Lattice
from anysyn.recipe import Recipe
from anysyn.registry import suggest
from anysyn.synthesis.dataset_request import Datasets, check_dataset, hears_dataset
from anysyn.synthesis.fold_batch_norms import fold_batch_norms
from anysyn.synthesis.tiles import Canvas, Tile
from anysyn.synthesizer import Synthesizer
from anysyn.training.folder import RunError, RunFolder
from anysyn.types import Batch, Query


@dataclass(frozen=True)
class LoadedRun:
    """Hold a trained recipe.

    Args:
        folder: The run folder.
        recipe: Its recipe.
        model: Its synthesizer, with the trained weights, in evaluation mode, batch norms folded into convolutions.
        pipeline: Its preparation, with the typical windows of its training subjects.
        view: How volumes reach the network.
        fabric: Device and precision.
        datasets: Those of its training.
        dataset: As coming from which of them, or ``mean`` of them, every study is treated; by default its own.
    """

    folder: RunFolder
    recipe: Recipe
    model: Synthesizer
    pipeline: Pipeline
    view: View
    fabric: Fabric
    datasets: Datasets = field(default_factory=Datasets)
    dataset: str | None = None

    def subjects(
        self, root: str | Path | None = None, split: str = "test"
    ) -> tuple[list[Subject], tuple[Failure, ...]]:
        """Find the subjects of a part of the split, in the data of the training or in another cohort.

        Args:
            root: Another cohort, all of whose subjects count as unseen unless it is the one of the training.
            split: ``train``, ``validation``, ``test`` or ``all``.

        Raises:
            UserError: If there is no such part, or nobody in it.
        """
        data = self.recipe.data
        if root:
            found = find_subjects(root)
        else:
            found = find_subjects(data.root or "", layout=data.layout, dataset=data.as_dataset)
        if split == "all":
            return list(found.subjects), found.failures
        parts: dict[str, list[str]] = self.folder.read("split.json")
        if split not in parts:
            raise UserError(f"no split {split!r}; {suggest(split, [*parts, 'all'])}")
        chosen = [subject for subject in found.subjects if subject.key in parts[split]]
        if not chosen:
            raise UserError(
                f"{root or data.root}: none of the run's {split} subjects is there; use --split all for another cohort"
            )
        failures = tuple(failure for failure in found.failures if failure.key in parts[split])
        return chosen, failures

    def prepare(self, subject: Subject, resample_to: str | None = None) -> Study:
        """Read a subject and prepare it as in training.

        Raises:
            VolumeError: If it cannot be used.
        """
        names = self.recipe.modalities
        study = read_study(subject, modalities=names, resample_to=resample_to or self.recipe.data.resample_to)
        return self.pipeline(study)[0]

    def predict(
        self,
        study: Study,
        sources: Sequence[str],
        targets: Sequence[str],
        batch: int = 8,
        *,
        onto: Grid | None = None,
        acquisitions: Mapping[str, Acquisition] | None = None,
    ) -> dict[str, Tensor]:
        """Synthesize targets of a prepared study on the scale of prepared images.

        Background is left out; tiles that overlap are blended; each tile is encoded once for all targets.

        Args:
            study: What `prepare` returned.
            sources: Modalities shown.
            targets: Modalities asked for.
            batch: Tiles at once: what bounds the memory.
            onto: Grid of the answer, of any voxel size, for example ``with_spacing(study.grid, (0.8, 0.8, 1.2))``; that
                of the study by default. What of it lies outside of the study is air.
            acquisitions: How targets should look as if they were acquired, by modality; by default as the study says it
                of its own images. The voxel size is that of the answer.

        Raises:
            UserError: If a modality is unknown to the recipe, a source is not in the study, the grid is turned against
                that of the study, or the network is told of datasets and does not know that of the study.
        """
        shown, asked = (self._numbers(words) for words in (sources, targets))
        missing = [name for name in sources if modality(name).name not in study.images]
        if missing:
            raise UserError(f"{study.key}: has no {', '.join(missing)}; {suggest(missing[0], study.images)}")
        raster = Raster.same(study.grid.shape) if onto is None else Raster.between(study.grid, onto)
        air = torch.tensor([study.air(self.recipe.modalities[k]) for k in asked])  # (K,)
        canvas = Canvas(self.view, raster, air, getattr(self.model, "pointwise", False))
        names, said = self.recipe.modalities, acquisitions or {}
        known = [said.get(names[k]) or study.acquisition(names[k]) or Acquisition(modality=names[k]) for k in asked]
        wanted = tuple(replace(record, voxel_size_mm=canvas.spacing(study.grid)) for record in known)
        for tiles, answer in self._answers(study, shown, asked, wanted, canvas, batch):
            for tile, images in zip(tiles, answer, strict=True):
                canvas.put(tile, images)
        return {self.recipe.modalities[k]: image for k, image in zip(asked, canvas.images(), strict=True)}

    def told_of(self, study: Study) -> Tensor:
        """Return what the network is told of the dataset of a study: (1,) int64, or (1, N) shares of several.

        Args:
            study: Whose dataset counts, unless the run treats every study as coming from another.

        Raises:
            UserError: If the network reads it and does not know it; the message lists the choices.
        """
        if not hears_dataset(self.model):
            return torch.zeros(1, dtype=torch.int64)
        return self.datasets.told(study.dataset if self.dataset is None else self.dataset)

    def asked_as(self, dataset: str | None) -> LoadedRun:
        """Return the run as it treats every study as coming from a dataset.

        Args:
            dataset: A dataset of the training, ``mean`` for their mean embedding, or None for what is set already.

        Raises:
            UserError: If the network is not told of datasets, or does not know this one.
        """
        check_dataset(self.model, self.datasets, dataset)
        return self if dataset is None else replace(self, dataset=dataset)

    def _numbers(self, words: Sequence[str]) -> list[int]:
        names = list(self.recipe.modalities)
        known = [modality(word).name for word in words]
        for word in known:
            if word not in names:
                raise UserError(f"this run knows no {word!r}; {suggest(word, names)}")
        return [names.index(word) for word in known]

    @torch.inference_mode()
    def _answers(
        self,
        study: Study,
        shown: list[int],
        asked: list[int],
        wanted: tuple[Acquisition, ...],
        canvas: Canvas,
        batch: int,
    ) -> Iterator[tuple[list[Tile], Tensor]]:
        names = self.recipe.modalities
        blank = torch.zeros(study.grid.shape)
        whole = torch.stack([study.images.get(name, blank) if m in shown else blank for m, name in enumerate(names)])
        air = torch.tensor([study.air(name) if m in shown else 0.0 for m, name in enumerate(names)])
        for tiles in canvas.tiles(study.foreground, batch):
            images = torch.stack([self.view.take(whole, tile.box, air) for tile in tiles])  # (B, M, *S)
            size = len(tiles)
            query = Query(
                torch.tensor([shown] * size),
                torch.tensor([asked] * size),
                (tuple(study.acquisition(names[m]) for m in shown),) * size,
                (wanted,) * size,
            )
            with self.fabric.autocast():
                yield tiles, self._ask(study, images, query, tiles[0].places)

    def _ask(self, study: Study, images: Tensor, query: Query, places: Lattice | None) -> Tensor:
        names, size, device = self.recipe.modalities, len(images), self.fabric.device
        available = torch.zeros(size, len(names), dtype=torch.bool).scatter(1, query.sources, True)
        spacing = torch.tensor([study.grid.spacing[axis] for axis in self.view.spatial]).expand(size, -1)
        records = (tuple(study.acquisition(name) for name in names),) * size
        told = self.told_of(study)
        batch = Batch(images, available, told.expand(size, *told.shape[1:]), spacing, records)
        there = None if places is None else places.to(device)
        answer: Tensor = self.model(batch.to(device), query.to(device), there).images
        return answer


def load_run(folder: str | Path, *, stage: str | None = None, accelerator: str = "auto") -> LoadedRun:
    """Load a trained run: its synthesizer, and of the other networks only those that it refers to.

    Args:
        folder: The run folder.
        stage: Take the weights as this stage left them; by default those of the last stage.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.

    Raises:
        RunError: If the folder is not a run, or its training is not finished.
    """
    run = RunFolder(Path(folder))
    if not run.recipe.is_file():
        raise RunError(f"{run.path} holds no recipe.yaml: it is not a run folder")
    if not run.weights.is_file():
        raise RunError(f"{run.path} holds no weights yet; go on with `anysyn train --resume {run.path}`")
    recipe = build.load(run.recipe, lay_out=False)
    fabric = Fabric(accelerator=accelerator, devices=1, precision=recipe.precision)
    name = _synthesizer(recipe)
    parts = networks(run, recipe, only=[name], stage=stage)
    steps = [build.make(recipe, spec, "prepare") for spec in recipe.data.prepare]
    windows = TypicalWindows.from_json(run.read("windows.json"))
    datasets = Datasets(run.read("datasets.json"), list(windows.datasets))
    model = cast(Synthesizer, fold_batch_norms(parts[name].eval())).to(fabric.device)
    view = build.make(recipe, recipe.data.view, "view")
    return LoadedRun(run, recipe, model, Pipeline(tuple(steps), windows), view, fabric, datasets)


def networks(
    run: RunFolder, recipe: Recipe, *, only: Iterable[str] | None = None, stage: str | None = None
) -> torch.nn.ModuleDict:
    """Build networks of a run with the weights that it learned.

    Args:
        run: The run folder.
        recipe: Its recipe.
        only: Names of the parts that are wanted; they and those they refer to are built. All by default.
        stage: Take the weights as this stage left them; by default those of the last stage.

    Raises:
        RunError: If the weights are not there or do not fit.
    """
    path = run.weights if stage is None else _stage_weights(run, recipe, stage)
    parts = build.parts(recipe, only, untrained=False)
    try:
        kept = safetensors.torch.load_file(path)
        parts.load_state_dict({name: value for name, value in kept.items() if name.split(".")[0] in parts})
    except (RuntimeError, safetensors.SafetensorError) as error:
        raise RunError(f"{path} does not fit {run.recipe}: {str(error).splitlines()[0]}") from error
    return parts


def _stage_weights(run: RunFolder, recipe: Recipe, stage: str) -> Path:
    known = [one.name for one in recipe.stages]
    if stage not in known:
        raise RunError(f"{run.path} has no stage {stage!r}; {suggest(stage, known)}")
    path = run.stage_weights(stage)
    if not path.is_file():
        raise RunError(f"{run.path} keeps no weights of its stage {stage!r} ({path.name}); train it anew")
    return path


def _synthesizer(recipe: Recipe) -> str:
    found = build.named(recipe, Synthesizer)
    if not found:
        raise RunError(f"the recipe has no synthesizer among its parts ({', '.join(recipe.parts)})")
    return found[-1]  # the one that the stages end with
