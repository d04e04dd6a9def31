"""What an encoder says of a subject: one vector, of its real images or of synthesized ones in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from anysyn.data.errors import VolumeError
from anysyn.data.volumes.study import Study
from anysyn.probes.embeddings.slices import embed_study
from anysyn.probes.lesion_segmentation.dice import shown_for
from anysyn.synthesis.completion.missing_contrasts import trained_for
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesizer import Synthesizer

REAL, SYNTHESIZED = "real", "synthesized"


def synthesized(run: LoadedRun, study: Study, batch: int) -> Study:
    """Return a study with each modality synthesized from its others, as far as the run was trained for it.

    Args:
        run: What synthesizes.
        study: Prepared real images.
        batch: Tiles at once.

    Raises:
        VolumeError: If no modality can be synthesized from the others.
    """
    trained = trained_for(run.recipe)
    images = {}
    for name in study.images:
        for sources in shown_for(name, list(study.images), trained)[:1]:
            images[name] = run.predict(study, sources, [name], batch)[name].float().cpu()
    if not images:
        raise VolumeError(f"{study.key}: has {', '.join(study.images)} alone, of which the run synthesizes nothing")
    return replace(study, images=images)


def features(
    model: Synthesizer, run: LoadedRun, study: Study, batch: int, images: Mapping[str, Tensor]
) -> NDArray[np.float32]:
    """Return the embeddings of a subject's slices, their mean and the largest of each channel: (2 C,).

    Args:
        model: Whose encoder embeds.
        run: View and hardware.
        study: Where the slices are.
        batch: Slices at once.
        images: Those that are embedded, by modality, one at a time.
    """
    about: dict[str, Any] = {"view": run.view, "modalities": tuple(run.recipe.modalities), "hardware": run.hardware}
    shown = replace(study, images=images)
    vectors = embed_study(model, shown, size=batch, dataset=run.dataset_weights(study), **about)  # (N, M, C)
    present = [number for number, name in enumerate(about["modalities"]) if name in images]
    slices = vectors[:, present].mean(1)  # (N, C)
    found: NDArray[np.float32] = np.concatenate([slices.mean(0).numpy(), slices.amax(0).numpy()])
    return found
