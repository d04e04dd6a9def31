"""Any CLIP-like model of transformers, with a description of each modality."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from anysyn.clip.pixels import Pixels, Voxels
from anysyn.errors import UserError
from anysyn.ops import beside
from anysyn.types import ImageTextModel

Tokenize = Callable[[Sequence[str]], dict[str, list[list[int]]]]

LARGEST_SCALE = 100.0  # Radford et al. bound the scale of the logits, "which we found necessary" (their Section 2.5)
AT_ONCE = 64  # texts that are embedded together
MOST_HELD = 20_000  # embeddings that are kept: 61 MB of 768 numbers each


class Snapshot:
    """Weights at one moment, to find out later whether one of them was changed in place, replaced or moved.

    Optimisers, loading and moving to a device are noticed; writing through ``weight.data`` is not. The memory of the
    weights is held, so that no other tensor can come to lie there and be taken for them.

    Example:
        >>> weight = nn.Parameter(torch.ones(2))
        >>> snapshot = Snapshot([weight])
        >>> with torch.no_grad():
        ...     snapshot.matches([weight]), weight.add_(1) is weight, snapshot.matches([weight])
        (True, True, False)
    """

    def __init__(self, weights: Iterable[Tensor]) -> None:
        self._weights = [(weight.detach(), weight._version) for weight in weights]

    def matches(self, weights: Sequence[Tensor]) -> bool:
        """Return whether these are the same weights, unchanged."""
        pairs = zip(self._weights, weights, strict=False)
        same = (_same_memory(old, new) and version == new._version for (old, version), new in pairs)
        return len(self._weights) == len(weights) and all(same)

    def __deepcopy__(self, memo: object) -> Snapshot:
        """Return a snapshot that matches nothing: a copied network has other weights."""
        return Snapshot(())


def _same_memory(old: Tensor, new: Tensor) -> bool:
    return old.device == new.device and (new.is_meta or old.is_set_to(new))


class Clip(ImageTextModel):
    """Embed images and texts with two towers: those of a transformers model, or others that answer as it does.

    A recipe trains one tower by the names of its parameters, ``clip.towers.text_*`` or ``clip.towers.vis*``. A tower
    of which nothing learns stays in evaluation mode: it neither drops anything out nor moves its statistics.

    Args:
        towers: A model with ``get_text_features``, ``get_image_features`` and ``logit_scale``.
        tokenize: Texts to named rows of integers, all of one length; too long a text is a ValueError.
        pixels: How a slice, or a volume, becomes what the image tower reads; None if there is a text tower alone.
        descriptions: A text for each modality of the recipe, in its order.

    Raises:
        ValueError: If the model is not CLIP-like, or a description is too long for it.
    """

    def __init__(
        self, *, towers: nn.Module, tokenize: Tokenize, pixels: Pixels | Voxels | None, descriptions: Sequence[str]
    ) -> None:
        super().__init__()
        needed, prefixes = ["get_text_features", "logit_scale"], ["text"]
        if pixels is not None:
            needed, prefixes = [*needed, "get_image_features"], [*prefixes, "vis"]
        self.towers, self.tokenize, self.pixels = towers, tokenize, pixels
        missing = [name for name in needed if not hasattr(towers, name)]
        missing += [f"{prefix}_*" for prefix in prefixes if not self._towers(prefix)]
        if missing:
            raise ValueError(f"{type(towers).__name__} is not CLIP-like: it has no {', '.join(missing)}")
        self.descriptions = tuple(descriptions)
        self.tokenize(self.descriptions)  # finds one that is too long before any training
        self.dimensions = 2 if pixels is None else pixels.dimensions
        self._embedded_by = Snapshot(())
        self._held = dict[str, Tensor]()
        self._learning = dict[str, Tensor]()

    def encode_image(self, images: Tensor) -> Tensor:
        """Embed slices (B, 1, H, W) or volumes (B, 1, X, Y, Z), about 0 to 1, as (B, D); gradients reach them."""
        if self.pixels is None:
            raise UserError("the model has a text tower alone, and no image tower that could read an image")
        if images.ndim != self.dimensions + 2:
            reads, shown = ("slices" if axes == 2 else "volumes" for axes in (self.dimensions, images.ndim - 2))
            raise ValueError(f"the image tower sees {reads}, but the view shows {shown}; see `view` of the stage")
        seen = self.pixels(images)  # (B, C, side, side [, side])
        with self._at_rest("vis"):
            embedded: Tensor = self.towers.get_image_features(pixel_values=seen).pooler_output  # type: ignore[operator]
        return embedded

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Embed N texts as (N, D); a text that has more tokens than the model takes is a ValueError."""
        weight = next(self.parameters())
        tokens = {name: beside(torch.tensor(rows), weight) for name, rows in self.tokenize(texts).items()}  # (N, L)
        with self._at_rest("text"):
            embedded: Tensor = self.towers.get_text_features(**tokens).pooler_output  # type: ignore[operator]
        return embedded

    def check_texts(self, texts: Sequence[str]) -> None:
        """Raise a ValueError if a text has more tokens than the model takes."""
        self.tokenize(texts)

    def text_embeddings(self, texts: Sequence[str]) -> Tensor:
        """Embed N texts: (N, D); each once for all while the text tower is frozen, once a step while it learns."""
        once = list(dict.fromkeys(texts))
        weights = [weight for tower in self._towers("text") for weight in tower.parameters()]
        if not self._embedded_by.matches(weights):
            self._embedded_by, self._held, self._learning = Snapshot(weights), {}, {}
        if torch.is_grad_enabled() and any(weight.requires_grad for weight in weights):
            embedded = self._with_graph(once)  # (n, D)
            return embedded[beside(torch.tensor([once.index(text) for text in texts]), embedded)]  # (N, D)
        # Plain float32 tensors, whoever asked first: training under autocast, or evaluation in inference mode.
        with torch.inference_mode(False), torch.no_grad(), torch.autocast(weights[0].device.type, enabled=False):
            new = [text for text in once if text not in self._held]
            for some in (new[first : first + AT_ONCE] for first in range(0, len(new), AT_ONCE)):
                self._held |= zip(some, self.encode_text(some).unbind(), strict=True)
            found = torch.stack([self._held[text] for text in texts])  # (N, D)
        for oldest in list(self._held)[: max(0, len(self._held) - MOST_HELD)]:
            del self._held[oldest]
        return found

    def _with_graph(self, texts: Sequence[str]) -> Tensor:
        """Embed texts for a tower that learns; asked for again before the gradients, as by the way back, only once."""
        new = [text for text in texts if text not in self._learning]
        if new:
            embedded = self.encode_text(new)
            # A graph has its gradients only once.
            embedded.register_hook(lambda _: self._learning.clear())  # type: ignore[no-untyped-call]
            self._learning |= zip(new, embedded.unbind(), strict=True)
        return torch.stack([self._learning[text] for text in texts])

    def scale(self) -> Tensor:
        """Return the scalar that turns a cosine into a logit, at most 100."""
        learned: Tensor = self.towers.logit_scale  # type: ignore[assignment]
        return learned.exp().clamp(max=LARGEST_SCALE)

    def _towers(self, prefix: str) -> list[nn.Module]:
        return [tower for name, tower in self.towers.named_children() if name.startswith(prefix)]

    @contextmanager
    def _at_rest(self, prefix: str) -> Iterator[None]:
        towers = self._towers(prefix)
        learns = torch.is_grad_enabled() and any(w.requires_grad for tower in towers for w in tower.parameters())
        waiting = [] if learns else [module for tower in towers for module in tower.modules() if module.training]
        for module in waiting:
            module.training = False
        try:
            yield
        finally:
            for module in waiting:
                module.training = True
