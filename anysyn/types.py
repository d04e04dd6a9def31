"""The records and contracts that the parts share.

Letters in shapes: ``B`` batch, ``M`` modalities of the recipe, ``J`` sources shown, ``K`` targets asked, ``*S`` voxel
axes, ``C`` channels, ``L`` tokens, ``D`` token width, ``Q`` query points, ``*N`` axes of a query lattice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from anysyn.acquisition import Acquisition
from anysyn.points import Points

Modulate = Callable[[str, Tensor], Tensor]
Records = tuple[tuple[Acquisition | None, ...], ...]
Beside = Literal["nothing", "stack", "canvas"]


@dataclass(frozen=True)
class Batch:
    """Say what exists.

    Args:
        images: (B, M, *S) float, zero where a modality is absent.
        available: (B, M) bool.
        dataset: (B,) int64, the number of the dataset each sample comes from; at synthesis also (B, N) shares of N
            datasets, of which the mean of all is one.
        spacing: (B, dims) voxel size in mm, in the order of *S.
        acquisitions: B tuples of M records; None where the modality is absent.
        keys: B names of the samples, for messages.
        points: Places inside the images where the truth is known more finely than at their voxels, or None.
        values: (B, M, Q) the truth there, zero where a modality is absent.
        value_acquisitions: B tuples of M records of that truth, whose voxels are smaller; those of the images if empty.
    """

    images: Tensor
    available: Tensor
    dataset: Tensor
    spacing: Tensor
    acquisitions: Records = ()
    keys: tuple[str, ...] = ()
    points: Points | None = None
    values: Tensor | None = None
    value_acquisitions: Records = ()

    @property
    def truth(self) -> Tensor:
        """Return what an answer is compared with: (B, M, *S), or (B, M, Q) at the points."""
        return self.images if self.values is None else self.values

    def ask(self, sources: Tensor, targets: Tensor) -> Query:
        """Make a query whose acquisitions are the batch's own: of the images shown, and of the truth asked for.

        Args:
            sources: (B, J) int64.
            targets: (B, K) int64.

        Example:
            >>> batch = Batch(torch.zeros(1, 2, 4), torch.ones(1, 2), torch.zeros(1), torch.ones(1, 1))
            >>> batch.ask(torch.tensor([[0]]), torch.tensor([[1]])).targets.tolist()
            [[1]]
        """

        def of(records: Records, which: Tensor) -> Records:
            rows = zip(records, which.tolist(), strict=bool(records))
            return tuple(tuple(row[m] for m in numbers) for row, numbers in rows)

        asked = self.value_acquisitions or self.acquisitions
        return Query(sources, targets, of(self.acquisitions, sources), of(asked, targets))

    def take(self, rows: slice) -> Batch:
        """Return some of the samples."""
        return Batch(
            self.images[rows],
            self.available[rows],
            self.dataset[rows],
            self.spacing[rows],
            self.acquisitions[rows],
            self.keys[rows],
            None if self.points is None else self.points.take(rows),
            None if self.values is None else self.values[rows],
            self.value_acquisitions[rows],
        )

    def to(self, device: torch.device | str) -> Batch:
        """Move the tensors to a device."""
        moved = {name: getattr(self, name).to(device) for name in ("images", "available", "dataset", "spacing")}
        points = None if self.points is None else self.points.to(device)
        values = None if self.values is None else self.values.to(device)
        return replace(self, **moved, points=points, values=values)


@dataclass(frozen=True)
class Query:
    """Say which modalities are shown and which are asked for.

    Args:
        sources: (B, J) int64, modalities shown to the network.
        targets: (B, K) int64, modalities asked of it.
        source_acquisitions: B tuples of J records, or empty.
        target_acquisitions: B tuples of K records, or empty.
        time: (B,) diffusion time, or None.
    """

    sources: Tensor
    targets: Tensor
    source_acquisitions: Records = ()
    target_acquisitions: Records = ()
    time: Tensor | None = None

    def reversed(self) -> Query:
        """Ask for the sources, showing the targets, each as it was acquired."""
        return Query(self.targets, self.sources, self.target_acquisitions, self.source_acquisitions, self.time)

    def one_by_one(self) -> Iterator[Query]:
        """Yield one query per target, each with K = 1."""
        for k in range(self.targets.shape[1]):
            asked = tuple((row[k],) for row in self.target_acquisitions)
            yield replace(self, targets=self.targets[:, k : k + 1], target_acquisitions=asked)

    def asking(self, kept: Tensor) -> Query:
        """Ask for some of the targets alone.

        Args:
            kept: (K,) bool.

        Example:
            >>> query = Query(torch.tensor([[0]]), torch.tensor([[1, 2, 3]]))
            >>> query.asking(torch.tensor([True, False, True])).targets.tolist()
            [[1, 3]]
        """
        columns = kept.nonzero().flatten().tolist()
        asked = tuple(tuple(row[k] for k in columns) for row in self.target_acquisitions)
        return replace(self, targets=self.targets[:, columns], target_acquisitions=asked)

    def to(self, device: torch.device | str) -> Query:
        """Move the tensors to a device."""
        time = None if self.time is None else self.time.to(device)
        return replace(self, sources=self.sources.to(device), targets=self.targets.to(device), time=time)


@dataclass(frozen=True)
class Site:
    """Name a place in a network where a conditioner may act.

    Args:
        name: For example ``"encoder/block2"``; the first word is the side.
        channels: Width of the features there.
        level: Sites of one level hold the same features on both sides of a bottleneck or a skip.
    """

    name: str
    channels: int
    level: str = ""

    @property
    def side(self) -> str:
        """Return ``"encoder"``, ``"decoder"`` or ``"shortcut"``."""
        return self.name.split("/")[0]


class Condition(NamedTuple):
    """Carry tokens about the sources (B, L, D) and about the targets (B, L', D)."""

    source: Tensor
    target: Tensor


class Features(NamedTuple):
    """Carry an encoder's answer: skips (B, C_i, *S / stride_i), finest first, and the deepest features."""

    skips: tuple[Tensor, ...]
    deep: Tensor


class Synthesis(NamedTuple):
    """Carry images (B, K, *S), (B, K, Q) at points or (B, K, *N) on a lattice, and the features they come from."""

    images: Tensor
    features: Features


class Outcome(NamedTuple):
    """Carry all that a loss may look at: prediction and truth (B, K, *S) or (B, K, Q), mask (B, K) where truth is."""

    batch: Batch
    query: Query
    prediction: Tensor
    truth: Tensor
    mask: Tensor
    features: Features
    reverse: Outcome | None = None


class Encoder(nn.Module):
    """Turn the sources into features; announce the sites, and of each level, finest first, width and stride.

    The network's voxel axes, the last ``dimensions`` ones, must be multiples of the deepest stride; the synthesizer
    pads, so users may bring any size.
    """

    kind: ClassVar[str] = "encoder"
    dimensions: int
    sites: Sequence[Site]
    widths: Sequence[int]
    strides: Sequence[int]


class Decoder(nn.Module):
    """Turn features into target images.

    ``every_target`` says that one call answers all K targets; ``pointwise``, that each place is answered by itself, so
    that few places cost little.
    """

    kind: ClassVar[str] = "decoder"
    every_target: bool = False
    pointwise: ClassVar[bool] = False
    sites: Sequence[Site]


class Descriptor(nn.Module):
    """Turn what is known about sources and targets into tokens of one width.

    One that reads the acquisitions of the query, beside its modalities, sets ``reads_acquisitions``; one that reads
    from which dataset a sample comes, ``reads_dataset``; one that reads the diffusion time, ``reads_time``.
    """

    kind: ClassVar[str] = "descriptor"
    reads_acquisitions: ClassVar[bool] = False
    reads_dataset: ClassVar[bool] = False
    reads_time: ClassVar[bool] = False
    width: int

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return the tokens of the sources and of the targets."""
        raise NotImplementedError


class ImageTextModel(nn.Module):
    """Embed images and texts in one space, as CLIP does (Radford et al., ICML 2021).

    A recipe names one among its parts and refers to it by ``"@name"``, so that its weights are kept with the run.

    Args:
        descriptions: A text for each modality of the recipe, in its order.
        dimensions: 2 if it sees slices, 3 if it sees volumes.
    """

    descriptions: tuple[str, ...]
    dimensions: int = 2

    def encode_image(self, images: Tensor) -> Tensor:
        """Embed slices (B, 1, H, W) or volumes (B, 1, X, Y, Z), about 0 to 1, as (B, D); gradients reach them."""
        raise NotImplementedError

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Embed N texts as (N, D); a text that is too long for the model is an error."""
        raise NotImplementedError

    def check_texts(self, texts: Sequence[str]) -> None:
        """Refuse a text that is too long for the model, embedding none; by default it is found when it is embedded."""

    def text_embeddings(self, texts: Sequence[str]) -> Tensor:
        """Embed N texts as `encode_text` does, (N, D); one that keeps them does so while its text tower is frozen."""
        return self.encode_text(texts)

    def modality_embeddings(self) -> Tensor:
        """Embed the descriptions: (M, D)."""
        return self.text_embeddings(self.descriptions)

    def scale(self) -> Tensor:
        """Return the scalar that turns a cosine into a logit: one over the temperature."""
        raise NotImplementedError


class Discriminator(nn.Module):
    """Score how real images look: near 1 where real, near 0 where synthesized, as least squares want it.

    ``beside`` says what it sees of the sources: ``nothing``, the ``stack`` of them, or the ``canvas`` of all
    modalities, zero where not shown.
    """

    kind: ClassVar[str] = "discriminator"
    beside: Beside = "nothing"

    def forward(self, images: Tensor, modalities: Tensor) -> Tensor:
        """Score images (N, 1 + beside, *S), of modalities (N,) int64, beside sources: (N, 1, *T), one a patch."""
        raise NotImplementedError


class SetDiscriminator(nn.Module):
    """Score how real each modality of a canvas looks that was completed by synthesis, beside the real canvas."""

    def forward(self, canvas: Tensor, real: Tensor) -> Tensor:
        """Score canvases (B, M, *S), zero where nothing is: (B, M, *T), a score for each patch of each modality."""
        raise NotImplementedError


class Loss(nn.Module):
    """Compare prediction and truth; the objective multiplies by ``weight``.

    One that looks at whole images, not at places one by one, says so by ``whole_images``; one that compares both ways
    between sources and targets, by ``both_ways``.
    """

    kind: ClassVar[str] = "loss"
    whole_images: ClassVar[bool] = False
    both_ways: ClassVar[bool] = False

    def __init__(self, *, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, outcome: Outcome) -> Tensor:
        """Return a scalar."""
        raise NotImplementedError


class Objective(nn.Module):
    """Turn a batch and a query into named, already weighted loss terms."""

    kind: ClassVar[str] = "objective"

    def forward(self, batch: Batch, query: Query) -> dict[str, Tensor]:
        """Return the terms; their sum is minimised."""
        raise NotImplementedError


def unmodulated(site: str, features: Tensor) -> Tensor:
    """Leave the features as they are: what a network without conditioners calls at its sites."""
    return features
