"""Encoders: those of a run before its training and after each stage that changed them, and those of other runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import torch
from pydantic import Field
from torch import Tensor

from anysyn import build
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.comparison_runs import load_comparison_run
from anysyn.probes.probe import Options
from anysyn.recipe import Recipe
from anysyn.synthesis.loaded_run import LoadedRun, networks
from anysyn.synthesizer import Synthesizer
from anysyn.types import ImageTextModel

RANDOM, TRAINED = "random", "trained"
SAME = ("modalities", "prepare", "view", "resample_to", "split")  # what encoders that are compared agree in


class EncoderOptions(Options):
    """Further runs whose encoders are compared."""

    compare: tuple[str, ...] = Field((), description="Further RUN or LABEL=RUN whose last encoder is compared.")


def encoders_of(run: LoadedRun, others: Sequence[str] = ()) -> dict[str, Synthesizer]:
    """Gather the encoders that are compared: with random weights, of other runs, and after the stages of this one.

    Args:
        run: The run. Its random weights are drawn from the recipe's seed; a stage that left the encoder as it was is
            not listed again.
        others: Run folders whose last encoder is compared, each ``FOLDER`` or ``LABEL=FOLDER``.

    Returns:
        By label: a synthesizer in evaluation mode, of which the encoder counts.

    Raises:
        EvaluationError: If two encoders have one label, or another run has other images or another split.
        RunError: If a run, or the weights of one of its stages, cannot be read.
    """
    encoders = [(RANDOM, _untrained(run)), *(_other(run, text) for text in others), *_stages(run)]
    labels = [label for label, _ in encoders]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise EvaluationError(f"two encoders are called {twice!r}; give one another name: --compare NAME=FOLDER")
    return {label: model.to(run.hardware.device).eval() for label, model in encoders}


def first_and_last(run: LoadedRun, others: Sequence[str] = ()) -> dict[str, Synthesizer]:
    """Gather the encoder before the training and after it, and the last ones of other runs.

    Args:
        run: The run.
        others: Run folders whose last encoder is compared, each ``FOLDER`` or ``LABEL=FOLDER``.

    Returns:
        By label, ``random``, ``trained`` and those of the others: a synthesizer in evaluation mode.

    Raises:
        EvaluationError: If another run has other images or another split, or a label of this one.
    """
    given = dict(_other(run, text) for text in others)
    taken = sorted({RANDOM, TRAINED} & given.keys())
    if taken or len(given) < len(others):
        raise EvaluationError("two encoders have one name; give another: --compare NAME=FOLDER")
    encoders = {RANDOM: _untrained(run), TRAINED: run.model, **given}
    return {label: model.to(run.hardware.device).eval() for label, model in encoders.items()}


def _untrained(run: LoadedRun) -> Synthesizer:
    name = _name(run.recipe)
    return cast(Synthesizer, build.parts(run.recipe, [name])[name])


def _stages(run: LoadedRun) -> Iterator[tuple[str, Synthesizer]]:
    name, before = _name(run.recipe), encoding(_untrained(run))
    for stage in (stage for stage in run.recipe.stages if stage.epochs):
        model = cast(Synthesizer, networks(run.folder, run.recipe, only=[name], stage=stage.name)[name])
        now = encoding(model)
        if any(not torch.equal(value, before[key]) for key, value in now.items()):
            yield stage.name, model
        before = now


def _other(run: LoadedRun, text: str) -> tuple[str, Synthesizer]:
    label, other = load_comparison_run(run, text, same=SAME, accelerator="cpu")
    return label, other.model


def _name(recipe: Recipe) -> str:
    return build.named(recipe, Synthesizer)[-1]  # a loaded run has one


def encoding(model: Synthesizer) -> dict[str, Tensor]:
    """Return the weights that an embedding depends on: the encoder's, and of the conditioners on its side.

    Args:
        model: Whose decoder side is left out.
    """
    acting = [c for c in model.conditioners if any(site.side == "encoder" for site in c.sites.values())]
    modules = [model.encoder, *acting]
    return {f"{n}.{key}": value for n, module in enumerate(modules) for key, value in module.state_dict().items()}


def image_text_model(run: LoadedRun) -> str:
    """Return the name of the last image-text model among the parts of a run.

    Args:
        run: A loaded run.

    Raises:
        EvaluationError: If there is none.
    """
    names = build.named(run.recipe, ImageTextModel)
    if not names:
        parts = ", ".join(run.recipe.parts)
        raise EvaluationError(
            f"{run.folder.path}: the recipe has no image-text model among its parts ({parts}), so there is nothing "
            "to measure; train a recipe with a part such as {name: clip}"
        )
    return names[-1]
