"""The prompt of an acquisition as a token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.data.modalities import named
from anysyn.registry import Given, register
from anysyn.types import Batch, Condition, Descriptor, ImageTextModel, Query


@register("descriptor", "text")
class TextPrompt(Descriptor):
    """Embeddings of the acquisitions' prompts by the text tower of an image-text model.

    A token is the text embedding as the model returns it, not normalised (TUMSyn). The model is a part of its own: it
    is neither saved with the network nor trained with it, unless a step names it; while it is frozen, it embeds each
    prompt once. An image without a known acquisition gets the prompt of its modality alone.

    Args:
        names: The modalities of the recipe.
        clip: The image-text model.

    Raises:
        UserError: If the prompt of a modality alone is too long for the model.

    Example:
        >>> clip = ImageTextModel()
        >>> clip.encode_text = lambda texts: torch.tensor([[float("T2w" in text), 3.0] for text in texts])
        >>> query = Query(torch.tensor([[0, 1]]), torch.tensor([[1]]))
        >>> batch = Batch.complete(torch.zeros(1, 2, 4, 4))
        >>> TextPrompt(names=["T1w", "T2w"], clip=clip)(batch, query).source.tolist()
        [[[0.0, 3.0], [1.0, 3.0]]]
    """

    reads_acquisitions = True

    def __init__(self, *, names: Given[Sequence[str]], clip: ImageTextModel) -> None:
        super().__init__()
        self.names = tuple(names)
        self._clip = (clip,)  # in a tuple, so that its weights are not counted and saved with this module
        with torch.no_grad():
            self.width = clip.encode_text([named(None, name).to_prompt() for name in names]).shape[1]

    @property
    def clip(self) -> ImageTextModel:
        """Return the image-text model."""
        return self._clip[0]

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return (B, J, D) for the sources and (B, K, D) for the targets."""
        sources = self._tokens(query.sources, query.source_acquisitions)
        targets = self._tokens(query.targets, query.target_acquisitions)
        return Condition(sources.to(batch.images.device), targets.to(batch.images.device))

    def _tokens(self, which: Tensor, records: Sequence[Sequence[Acquisition | None]]) -> Tensor:
        prompts = prompts_of(self.names, which, records)
        return self.clip.text_embeddings(prompts).reshape(*which.shape, -1)  # (B, J, D)


def prompts_of(names: Sequence[str], which: Tensor, records: Sequence[Sequence[Acquisition | None]] = ()) -> list[str]:
    """Write the prompts of images, row by row.

    Args:
        names: The modalities of the recipe.
        which: (B, J) int64 modality numbers.
        records: B rows of J records, or none; the prompt of an image without a record states the modality alone.

    Example:
        >>> [prompt.split("; ")[3] for prompt in prompts_of(["T1w", "T2w"], torch.tensor([[1], [0]]))]
        ['Modality: T2w', 'Modality: T1w']
    """
    if which.is_meta:  # a layout without memory holds no values: one prompt stands for all
        which = torch.zeros(which.shape, dtype=torch.int64, device="cpu")
    rows = records or [(None,) * which.shape[1]] * len(which)
    pairs = (zip(numbers, row, strict=True) for numbers, row in zip(which.tolist(), rows, strict=True))
    return [named(record, names[m]).to_prompt() for pair in pairs for m, record in pair]
