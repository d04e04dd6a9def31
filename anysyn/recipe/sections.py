"""The sections of a recipe, as records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from anysyn.bounds import AtLeastOne, Count, Positive, Seed, Share, WholeNumber
from anysyn.data.augment import Augmentation
from anysyn.data.loading.batches import Batches
from anysyn.data.prepare import Preparation
from anysyn.data.subjects.layouts.bids_labels import Label
from anysyn.data.views import View
from anysyn.loggers import Logger
from anysyn.objectives.objective import Objective
from anysyn.optimizers import Optimizer, Schedule
from anysyn.queries import Queries
from anysyn.registry import suggest

Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


class Part:
    """Any part that a recipe refers to by ``"@name"``: the synthesizer, a CLIP, discriminators."""

    kind: ClassVar[str] = "part"


@dataclass(frozen=True, kw_only=True)
class Split:
    """Subjects of training, validation and test.

    Args:
        train: Share of the subjects, or the list of their keys.
        validation: Share of the subjects, or the list of their keys.
        test: Share of the subjects, or the list of their keys.
        seed: Seed of the draw.
    """

    train: Share | Sequence[str] = 0.7
    validation: Share | Sequence[str] = 0.1
    test: Share | Sequence[str] = 0.2
    seed: Seed = 0


@dataclass(frozen=True, kw_only=True)
class Data:
    """Subjects and their way to the network: where they are, how they are prepared, cut and split.

    Args:
        root: Folder (BIDS, or one folder for each subject) or CSV file; needed to train.
        layout: How the root is laid out.
        names: Modality, or ``none``, by a glob of file names; decides before name and sidecar.
        bids: Labels of the files to use where a BIDS dataset has several of a modality, by entity: ``{acq: highres}``;
            for one modality: ``{T1w: {acq: highres, run: 2}}``.
        resample_to: Modality whose grid the others are resampled to if a subject's grids differ.
        prepare: Steps before the network, each with its inverse, in order.
        view: Slices, slabs or patches.
        augment: Random changes of the training samples, in order.
        augment_sources: Random changes of what the network reads of the training samples, in order; targets stay.
        datasets: Names of the datasets that are used; all by default.
        as_dataset: Treat all subjects as this dataset; by default each as its own.
        split: Subjects of training, validation and test.
        cache: Folder of prepared volumes; by default ``.cache/anysyn`` in the user's home, for all runs of a user.
        jobs: Processes that prepare volumes; by default one for each 64 MB of image files, at most the cores and 8.
        workers: Processes that make batches ahead; 0 makes them in the training process. By default up to 8 of the
            cores that each GPU has beside the training's own, and 0 without a GPU. The batches are the same.
    """

    root: str | None = None
    layout: Literal["auto", "bids", "folders", "csv"] = "auto"
    names: Mapping[str, str] = field(default_factory=dict)
    bids: Mapping[str, Label | Mapping[str, Label]] = field(default_factory=dict)
    resample_to: str | None = None
    prepare: Sequence[Preparation]
    view: View
    augment: Sequence[Augmentation] = field(default_factory=list)
    augment_sources: Sequence[Augmentation] = field(default_factory=list)
    datasets: Sequence[str] | None = None
    as_dataset: str | None = None
    split: Split = field(default_factory=Split)
    cache: str | None = None
    jobs: Count | None = None
    workers: WholeNumber | None = None


@dataclass(frozen=True, kw_only=True)
class StageData:
    """Subjects that a stage trains on instead of those of the recipe; they are prepared and cut alike.

    Args:
        root: Folder (BIDS, or one folder for each subject) or CSV file.
        layout: How the root is laid out.
        names: Modality, or ``none``, by a glob of file names.
        bids: Labels of the files to use, by entity, as in the section ``data``.
        resample_to: Modality whose grid the others are resampled to if a subject's grids differ.
        datasets: Names of the datasets that are used; all by default.
        as_dataset: Treat all subjects as this dataset; by default each as its own.
        split: Subjects of training, validation and test.
    """

    root: str
    layout: Literal["auto", "bids", "folders", "csv"] = "auto"
    names: Mapping[str, str] = field(default_factory=dict)
    bids: Mapping[str, Label | Mapping[str, Label]] = field(default_factory=dict)
    resample_to: str | None = None
    datasets: Sequence[str] | None = None
    as_dataset: str | None = None
    split: Split = field(default_factory=Split)

    def within(self, data: Data) -> Data:
        """Return the section ``data`` of a recipe with these subjects in it."""
        return replace(data, **{each.name: getattr(self, each.name) for each in fields(self)})


@dataclass(frozen=True, kw_only=True)
class Step:
    """An objective, the parameters that it trains, and their optimiser.

    Args:
        objective: The objective to minimise.
        train: Globs of parameter names, for example ``synthesizer`` or ``synthesizer.decoder``.
        optimizer: The optimiser.
        schedule: Factor of the learning rate over the epochs in which the step is active.
        begin: First epoch of the stage in which the step is active, from 0.
        end: First epoch in which it is no longer active; by default it is active to the last.
    """

    objective: Objective
    train: AtLeastOne[str]
    optimizer: Optimizer
    schedule: Schedule = field(default_factory=lambda: {"name": "constant"})  # type: ignore[assignment]
    begin: WholeNumber = 0
    end: Count | None = None

    def active(self, epochs: int) -> range:
        """Return the epochs of a stage in which the step is active."""
        return range(self.begin, epochs if self.end is None else min(self.end, epochs))

    def trains(self, parameter: str) -> bool:
        """Return whether the step trains a parameter, for example ``synthesizer.decoder.head.weight``."""
        return any(means(glob, parameter) for glob in self.train)


def means(glob: str, parameter: str) -> bool:
    """Return whether a glob of ``train`` matches a parameter: its name, or the name of a part that contains it.

    Example:
        >>> means("synthesizer.decoder", "synthesizer.decoder.head.weight"), means("synth", "synthesizer.decoder")
        (True, False)
    """
    return fnmatchcase(parameter, glob) or fnmatchcase(parameter, f"{glob}.*")


def nowhere(globs: Iterable[str], parameters: Collection[str]) -> Iterator[str]:
    """Yield a message for each glob of ``train`` that matches none of the parameters.

    Example:
        >>> list(nowhere(["encoder", "clap"], ["encoder.weight", "clip.weight"]))
        ["'clap' matches no parameter; did you mean 'clip'? choices: clip, clip.weight, encoder, encoder.weight"]
    """
    near = {".".join(name.split(".")[:depth]) for name in parameters for depth in (1, 2)}
    for glob in globs:
        if not any(means(glob, name) for name in parameters):
            yield f"{glob!r} matches no parameter; {suggest(glob, sorted(near))}"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage of training.

    It ends with the weights of its best validation: the lowest sum of loss terms of the first step that is active in
    the last epoch, over the epochs in which that step is active.

    Args:
        name: Its name in the log.
        epochs: Passes over the training samples; 0 skips the stage.
        batches: How samples are grouped into batches.
        queries: How sources and targets are drawn.
        steps: Steps of each batch, in order.
        view: View of this stage instead of ``data.view``, for example ``{name: whole}``.
        data: Subjects of this stage instead of those of the recipe: ``{root: OTHER}``.
        warm_start: Parts that begin the stage with another part's weights of the same name and shape:
            ``{synthesizer: convolutional}``.
        clip_gradient: Largest gradient norm; no bound by default.
        accumulate: Batches whose gradients are averaged before an optimiser steps.
        ema: Decay of the running average of the weights, d_t = min(ema, (1 + t) / (10 + t)); none by default.
        validate_every: Epochs between two validations.
        checkpoint_every: Batches between two checkpoints within an epoch; each epoch ends with one in any case.
    """

    name: str
    epochs: WholeNumber
    batches: Batches
    queries: Queries
    steps: AtLeastOne[Step]
    view: View | None = None
    data: StageData | None = None
    warm_start: Mapping[str, str] = field(default_factory=dict)
    clip_gradient: Positive | None = None
    accumulate: Count = 1
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    validate_every: Count = 1
    checkpoint_every: Count | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A method, as data, parts and stages of training.

    Args:
        name: Name of the run.
        paper: The paper that it reproduces.
        modalities: Modalities that can be sources and targets, numbered in this order.
        seed: Seed of the weights, the batches and the queries.
        precision: Arithmetic of the training.
        compile: Whether torch compiles the blocks of the networks for the training; the first batches take minutes.
        channels_last: Whether convolutions are trained with the channels last in memory, which suits tensor cores.
        checkpoint_activations: Whether the backward pass computes the blocks anew instead of keeping what they
            computed: less memory, about a third more time.
        data: Subjects, and how they are prepared, cut and split.
        parts: The networks, by the name that ``"@name"`` refers to.
        stages: The training, in order.
        weights: Run whose weights the networks begin with: a run folder, or the name of a packaged run. Or, by part, a
            run whose part of the same name it begins with, or of another name: ``{clip: runs/a, synthesizer: RUN:x}``.
        weights_for: Globs of the weights that begin so, for example ``[synthesizer.encoder]``; by default all, and
            then every one has to fit.
        loggers: Where the numbers of the training go beside its CSV files, for example ``[{name: mlflow}]``.
        plugins: Python files that register parts, relative to the recipe; they run only with ``--allow-code``.
    """

    name: str
    paper: str | None = None
    modalities: Sequence[str]
    seed: Seed = 0
    precision: Precision = "32-true"
    compile: bool = False
    channels_last: bool = False
    checkpoint_activations: bool = False
    data: Data
    parts: Mapping[str, Part]
    stages: AtLeastOne[Stage]
    weights: str | Mapping[str, str] | None = None
    weights_for: AtLeastOne[str] | None = None
    plugins: Sequence[str] = field(default_factory=list)
    loggers: Sequence[Logger] = field(default_factory=lambda: [{"name": "tensorboard"}])  # type: ignore[list-item]

    def roots(self) -> list[str]:
        """Return where its subjects are, and those of its stages."""
        sections = [self.data, *(stage.data for stage in self.stages)]
        return [section.root for section in sections if section is not None and section.root is not None]

    def spec(self) -> dict[str, Any]:
        """Return the recipe as plain mappings and lists, ready for YAML."""
        plain: dict[str, Any] = _plain(self)
        return plain


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
