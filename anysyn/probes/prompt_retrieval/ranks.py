"""Ranks: which of many prompts lies nearest to an image."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import NamedTuple

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from anysyn.data.geometry.boxes import Box
from anysyn.data.views import View, Whole
from anysyn.data.volumes.study import Study
from anysyn.descriptors.text import prompts_of
from anysyn.ops import slices
from anysyn.probes.modality_accuracy.accuracy import ALL, UNNAMED
from anysyn.probes.study_batches import batches_of, full_tiles
from anysyn.training.devices import Hardware
from anysyn.types import ImageTextModel

CANDIDATES = 10  # among which TUMSyn looks for the text of an image


class PairedImage(NamedTuple):
    """An image's embedding, of length one, and its prompt."""

    subject: str
    dataset: str
    modality: str
    prompt: str
    embedding: Tensor


@torch.inference_mode()
def embed_images(
    model: ImageTextModel, study: Study, *, view: View, modalities: Sequence[str], hardware: Hardware, size: int
) -> list[PairedImage]:
    """Embed every image of a study, and write its prompt.

    Args:
        model: The image-text model; one of slices gives a volume the mean of their embeddings.
        study: Prepared images.
        view: The view of its training.
        modalities: Names in the order of the recipe.
        hardware: Device and precision.
        size: Pieces of a volume at once.
    """
    numbers, sums = [m for m, name in enumerate(modalities) if name in study.images], dict[int, Tensor]()
    for batch in batches_of(study, boxes_of(study, view), view=view, modalities=modalities, size=size):
        for m in numbers:
            pieces = slices(batch.images[:, m], model.dimensions).flatten(0, 1).to(hardware.device)  # (B Z, 1, *S)
            with hardware.autocast():
                embedded = model.encode_image(pieces)  # (B Z, D)
            sums[m] = sums.get(m, 0) + F.normalize(embedded.float(), dim=1).sum(0).cpu()  # (D,)
    records = [tuple(study.acquisition(modalities[m]) for m in numbers)]
    prompts = prompts_of(modalities, torch.tensor([numbers]), records)
    about = study.key, study.dataset
    return [
        PairedImage(*about, modalities[m], prompt, F.normalize(sums[m], dim=0))
        for m, prompt in zip(numbers, prompts, strict=True)
    ]


def boxes_of(study: Study, view: View) -> list[Box]:
    """Return the boxes of a study that an image-text model embeds: the whole, or all tiles with enough foreground.

    Args:
        study: Prepared images.
        view: The view of its training.
    """
    if not isinstance(view, Whole):
        return full_tiles(study, view)
    boxes = view.boxes(study.foreground, study.foreground.sum((1, 2)), view.extent([study.grid.shape]))
    return [boxes.draw(number, Generator()) for number in range(len(boxes))]


@torch.inference_mode()
def rank_prompts(model: ImageTextModel, pairs: Sequence[PairedImage], names: Sequence[str]) -> pd.DataFrame:
    """Rank all prompts by their distance from each image, and all modalities by that of their descriptions.

    Args:
        model: Its text tower reads the prompts and the descriptions.
        pairs: The images.
        names: M modalities, in the order of the model's descriptions.

    Returns:
        Columns subject, dataset, modality, found (the modality by its description), nearest (the modality of the
        nearest prompt), rank (of the own prompt, 1 being the nearest), of_ten (`share_first`), prompt, nearest_prompt.
    """
    prompts = list(dict.fromkeys(one.prompt for one in pairs))
    about = {one.prompt: one.modality for one in pairs}
    images = torch.stack([one.embedding for one in pairs])  # (N, D)
    texts, descriptions = (
        F.normalize(e.float().cpu(), dim=1) for e in (model.text_embeddings(prompts), model.modality_embeddings())
    )
    scores, likely = images @ texts.T, (images @ descriptions.T).argmax(1)  # (N, P), (N,)
    own = scores.gather(1, torch.tensor([[prompts.index(one.prompt)] for one in pairs]))  # (N, 1)
    beaten = (scores < own).sum(1).tolist()  # a tie is no victory
    nearest = [prompts[place] for place in scores.argmax(1).tolist()]
    rows = [
        {
            "subject": one.subject,
            "dataset": one.dataset,
            "modality": one.modality,
            "found": names[m],
            "nearest": about[prompt],
            "rank": len(prompts) - wins,
            "of_ten": share_first(wins, len(prompts) - 1),
            "prompt": one.prompt,
            "nearest_prompt": prompt,
        }
        for one, m, prompt, wins in zip(pairs, likely.tolist(), nearest, beaten, strict=True)
    ]
    return pd.DataFrame(rows)


def share_first(beaten: int, others: int, candidates: int = CANDIDATES) -> float:
    """Return the probability that the true prompt ranks first among k random candidates.

    ``C(beaten, k - 1) / C(others, k - 1)``; if there are fewer others, all of them are candidates.

    Args:
        beaten: Prompts that are farther from the image.
        others: All other prompts.
        candidates: k, the true prompt included.

    Example:
        >>> share_first(9, 9), share_first(8, 9), share_first(18, 19), share_first(1, 2)
        (1.0, 0.0, 0.5263157894736842, 0.0)
    """
    drawn = min(candidates - 1, others)
    return comb(beaten, drawn) / comb(others, drawn)


def summarise_accuracy(images: pd.DataFrame, modalities: int) -> pd.DataFrame:
    """Average how often the prompt is found among ten and the modality among all, beside chance.

    Args:
        images: As `rank_prompts` returns them.
        modalities: How many the recipe has.

    Returns:
        Columns of (``text`` or ``modality``), dataset, modality, count, accuracy, chance: a row for all images, for
        each modality, and for each dataset.

    Example:
        >>> row = {"dataset": "A", "modality": "T1w", "found": "T1w", "of_ten": 0.5, "prompt": "..."}
        >>> accuracy = summarise_accuracy(pd.DataFrame([row, row | {"found": "T2w"}]), 4)
        >>> accuracy[["of", "accuracy", "chance"]].values.tolist()[:2]
        [['text', 0.5, 1.0], ['modality', 0.5, 0.25]]
    """
    chance = {"text": 1 / min(CANDIDATES, images["prompt"].nunique()), "modality": 1 / modalities}
    parts = [
        (ALL, ALL, images),
        *((ALL, str(name), own) for name, own in images.groupby("modality", sort=False)),
        *((str(name) or UNNAMED, ALL, own) for name, own in images.groupby("dataset", sort=False)),
    ]
    rows = []
    for dataset, modality, part in parts:
        right = {"text": part["of_ten"].mean(), "modality": (part["found"] == part["modality"]).mean()}
        about = {"dataset": dataset, "modality": modality, "count": len(part)}
        rows += [{"of": of, **about, "accuracy": float(right[of]), "chance": chance[of]} for of in right]
    return pd.DataFrame(rows)
