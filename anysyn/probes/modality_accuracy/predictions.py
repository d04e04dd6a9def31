"""Which modality a text or an image shows, by an image-text model."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor

from anysyn.clip import classify_texts, modality_logits
from anysyn.data.views import View
from anysyn.data.volumes.study import Study
from anysyn.ops import slices
from anysyn.probes.study_batches import batches_of, full_tiles
from anysyn.training.devices import Hardware
from anysyn.types import ImageTextModel

PROBABILITY, LOSS = "probability of ", "loss given "  # and the name of a modality: columns of the slices


@torch.inference_mode()
def classify_descriptions(model: ImageTextModel, names: Sequence[str]) -> pd.DataFrame:
    """Classify the description of each modality by the text tower alone.

    Args:
        model: With a description for each modality.
        names: M modalities.

    Returns:
        Columns modality, description, found (a modality, or empty where another class is likelier), and a probability
        for each modality.
    """
    likely = classify_texts(model, model.descriptions).cpu()  # (M, D), of which the first M are the modalities
    places = likely.argmax(1).tolist()
    found = [names[place] if place < len(names) else "" for place in places]
    table = pd.DataFrame({"modality": list(names), "description": list(model.descriptions), "found": found})
    return table.assign(**{PROBABILITY + name: likely[:, m].numpy() for m, name in enumerate(names)})


@torch.inference_mode()
def compare_images(model: ImageTextModel, images: Tensor, names: Sequence[str]) -> dict[str, list[float]]:
    """Compare images with the description of each modality.

    The probabilities are those of CLIP; the loss is ``1 - cos(E_v, E_t)``, OmniSyn, Eq. 6.

    Args:
        model: Its image tower sees the images, its text tower the descriptions.
        images: (B, 1, H, W), about 0 to 1.
        names: M modalities.

    Returns:
        By column, a number for each image: a probability and a loss for each modality.
    """
    cosines = modality_logits(model.encode_image(images), model.modality_embeddings(), 1.0)  # (B, M)
    likely, losses = (model.scale() * cosines).softmax(1).T.cpu(), (1 - cosines).T.cpu()  # (M, B)
    columns = {PROBABILITY + name: likely[m].tolist() for m, name in enumerate(names)}
    return columns | {LOSS + name: losses[m].tolist() for m, name in enumerate(names)}


def classify_slices(
    model: ImageTextModel, study: Study, *, view: View, modalities: Sequence[str], hardware: Hardware, size: int
) -> pd.DataFrame:
    """Compare every slice of a study, in every modality that it has, with all descriptions.

    Args:
        model: The image-text model; of blocks and slabs it sees each slice along the first axis.
        study: Prepared images.
        view: What a slice is.
        modalities: Names in the order of the recipe.
        hardware: Device and precision.
        size: Slices at once.

    Returns:
        Columns subject, dataset, slice, modality, found, and those of `compare_images`.
    """
    tables = []
    for m, name in ((m, name) for m, name in enumerate(modalities) if name in study.images):
        parts = list[pd.DataFrame]()
        for batch in batches_of(study, full_tiles(study, view), view=view, modalities=modalities, size=size):
            planes = slices(batch.images[:, m], model.dimensions).flatten(0, 1).to(hardware.device)  # (B Z, 1, H, W)
            with hardware.autocast():
                parts.append(pd.DataFrame(compare_images(model, planes, modalities)))
        table = pd.concat(parts, ignore_index=True)
        likely = table[[PROBABILITY + modality for modality in modalities]].to_numpy().argmax(1)
        about = {"subject": study.key, "dataset": study.dataset, "slice": range(len(table)), "modality": name}
        tables.append(pd.DataFrame(about | {"found": [modalities[k] for k in likely]}).join(table))
    return pd.concat(tables, ignore_index=True)
