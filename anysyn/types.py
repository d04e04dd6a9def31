"""The records and contracts that the parts share.

Letters in shapes: ``B`` batch, ``M`` modalities of the recipe, ``J`` sources shown, ``K`` targets asked, ``*S`` voxel
axes, ``C`` channels, ``L`` tokens, ``D`` token width, ``Q`` query points, ``*N`` axes of a query lattice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from anysyn.acquisition import Acquisition
from anysyn.batch_shapes import check_batch
from anysyn.bounds import NotNegative
from anysyn.points import Points

Modulate = Callable[[str, Tensor], Tensor]
Records = tuple[tuple[Acquisition | None, ...], ...]
Beside = Literal["nothing", "stack", "canvas"]


@dataclass(frozen=True)
class Batch:
    """Images of B samples in all modalities of the recipe, and what is known about them.

    Images go to a device; which of them there are is read by the processor, and stays with it, so that no step of a
    training waits for the device (`anysyn.ops.beside` takes such a table to the images).

    Args:
        images: (B, M, *S) float, zero if a modality is absent.
        available: (B, M) bool, on the CPU.
        dataset: (B, N) float mixing weights over the N datasets, one-hot for a sample of a known dataset.
        spacing: (B, dims) voxel size in mm, in the order of *S.
        acquisitions: B tuples of M records; None if the modality is absent.
        keys: B names of the samples, for messages.
        points: Places inside the images whose true intensities are known at a finer resolution, or None.
        values: (B, M, Q) true intensities at the points, zero if a modality is absent.
        value_acquisitions: B tuples of M records of these intensities; those of the images if empty.
        targets: (B, M, *S) the images before `data.augment_sources` changed what the network reads, or None.

    Raises:
        ValueError: If a table is of another shape or type.
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
    targets: Tensor | None = None

    def __post_init__(self) -> None:
        check_batch(self.images, self.available, self.dataset, self.spacing)

    @classmethod
    def complete(cls, images: Tensor) -> Batch:
        """Return images (B, M, *S) as a batch that lacks no modality, all of one dataset, with voxels of 1 mm.

        Example:
            >>> batch = Batch.complete(torch.zeros(2, 3, 8, 8))
            >>> bool(batch.available.all()), batch.dataset.tolist(), batch.spacing.shape
            (True, [[1.0], [1.0]], torch.Size([2, 2]))
        """
        samples, modalities, *size = images.shape
        available = torch.ones(samples, modalities, dtype=torch.bool, device="cpu")
        weights, spacing = (torch.ones(samples, n, device=images.device) for n in (1, len(size)))
        return cls(images, available, weights, spacing)

    @property
    def truth(self) -> Tensor:
        """Return the real intensities that a synthesis is compared with: (B, M, *S), or (B, M, Q) at the points."""
        known = (self.values, self.targets, self.images)
        return next(images for images in known if images is not None)

    def ask(self, sources: Tensor, targets: Tensor) -> Query:
        """Make a query that shows sources (B, J) and asks for targets (B, K), with the acquisitions of this batch.

        Example:
            >>> batch = Batch.complete(torch.zeros(1, 2, 4))
            >>> batch.ask(torch.tensor([[0]]), torch.tensor([[1]])).targets.tolist()
            [[1]]
        """

        def records_of(records: Records, modalities: Tensor) -> Records:
            rows = zip(records, modalities.tolist(), strict=bool(records))
            return tuple(tuple(row[m] for m in numbers) for row, numbers in rows)

        target_records = self.value_acquisitions or self.acquisitions
        return Query(sources, targets, records_of(self.acquisitions, sources), records_of(target_records, targets))

    def take(self, rows: slice) -> Batch:
        """Return some of the samples."""
        points = None if self.points is None else self.points.take(rows)
        parts = {name: part for name, part in vars(self).items() if name != "points" and part is not None}
        return replace(self, points=points, **{name: part[rows] for name, part in parts.items()})

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Batch:
        """Move all tensors but `available` to a device; those in pinned memory need not be waited for."""
        tensors = {name: part for name, part in vars(self).items() if name != "available"}
        parts: dict[str, Any] = {name: part for name, part in tensors.items() if isinstance(part, (Tensor, Points))}
        moved = {name: part.to(device, non_blocking=non_blocking) for name, part in parts.items()}
        return replace(self, **moved)


@dataclass(frozen=True)
class Query:
    """Which modalities the network is shown, and which it synthesizes.

    Args:
        sources: (B, J) int64, modalities shown to the network, on the CPU.
        targets: (B, K) int64, modalities to synthesize, on the CPU.
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
        """Return the query with sources and targets exchanged, each with its acquisitions."""
        return Query(self.targets, self.sources, self.target_acquisitions, self.source_acquisitions, self.time)

    def one_by_one(self) -> Iterator[Query]:
        """Yield one query per target, each with K = 1."""
        for k in range(self.targets.shape[1]):
            records = tuple((row[k],) for row in self.target_acquisitions)
            yield replace(self, targets=self.targets[:, k : k + 1], target_acquisitions=records)

    def asking(self, kept: Tensor) -> Query:
        """Return the query for the targets to keep, (K,) bool.

        Example:
            >>> query = Query(torch.tensor([[0]]), torch.tensor([[1, 2, 3]]))
            >>> query.asking(torch.tensor([True, False, True])).targets.tolist()
            [[1, 3]]
        """
        columns = kept.nonzero().flatten().tolist()
        records = tuple(tuple(row[k] for k in columns) for row in self.target_acquisitions)
        return replace(self, targets=self.targets[:, columns], target_acquisitions=records)

    def to(self, device: torch.device | str) -> Query:
        """Move the time to a device; sources and targets stay on the CPU."""
        return self if self.time is None else replace(self, time=self.time.to(device))


@dataclass(frozen=True)
class Site:
    """A place in a network where a conditioner may act.

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
        """Return ``"encoder"`` or ``"decoder"``."""
        return self.name.split("/")[0]


class Condition(NamedTuple):
    """Tokens about the sources (B, L, D) and about the targets (B, L', D)."""

    source: Tensor
    target: Tensor


class Features(NamedTuple):
    """Features of an encoder: skips (B, C_i, *S / stride_i), finest first, and the deepest features."""

    skips: tuple[Tensor, ...]
    deep: Tensor


class Synthesis(NamedTuple):
    """Images (B, K, *S), (B, K, Q) at points or (B, K, *N) on a lattice, and the features they were decoded from."""

    images: Tensor
    features: Features


class Outcome(NamedTuple):
    """What a loss compares: prediction and truth (B, K, *S) or (B, K, Q); mask (B, K), true if the truth exists.

    The mask is on the CPU, as the tables that it is made of; `anysyn.ops.chosen` takes what it marks.
    """

    batch: Batch
    query: Query
    prediction: Tensor
    truth: Tensor
    mask: Tensor
    features: Features
    reverse: Outcome | None = None


class Encoder(nn.Module):
    """A network from sources to features; it announces its sites and, finest level first, widths and strides.

    The network's voxel axes, the last ``dimensions`` ones, must be multiples of the deepest stride; the synthesizer
    pads, so users may bring any size.
    """

    kind: ClassVar[str] = "encoder"
    dimensions: int
    sites: Sequence[Site]
    widths: Sequence[int]
    strides: Sequence[int]


class Decoder(nn.Module):
    """A network from features to target images.

    With ``every_target`` one call decodes all K targets; with ``pointwise`` every point is decoded independently, so
    that few points cost little.
    """

    kind: ClassVar[str] = "decoder"
    every_target: bool = False
    pointwise: ClassVar[bool] = False
    sites: Sequence[Site]


class Descriptor(nn.Module):
    """Tokens of one width, made from what is known about sources and targets.

    A descriptor that reads the acquisitions of the query sets ``reads_acquisitions``; one that reads the mixing
    weights of the datasets, ``reads_dataset``; one that reads the diffusion time, ``reads_time``. One whose tokens are
    the same for any sources and targets of a batch sets ``reads_query`` to false.
    """

    kind: ClassVar[str] = "descriptor"
    reads_acquisitions: ClassVar[bool] = False
    reads_dataset: ClassVar[bool] = False
    reads_time: ClassVar[bool] = False
    reads_query: ClassVar[bool] = True
    width: int

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return the tokens of the sources and of the targets."""
        raise NotImplementedError


class ImageTextModel(nn.Module):
    """An encoder of images and texts into one space, as CLIP (Radford et al., ICML 2021).

    A recipe lists it among its parts and refers to it by ``"@name"``, so its weights are saved with the run.

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
        """Refuse texts that are too long, without embedding them; by default `encode_text` is what refuses them."""

    def text_embeddings(self, texts: Sequence[str]) -> Tensor:
        """Embed N texts as `encode_text` does, (N, D); a model may cache the result while its text tower is frozen."""
        return self.encode_text(texts)

    def modality_embeddings(self) -> Tensor:
        """Embed the descriptions: (M, D)."""
        return self.text_embeddings(self.descriptions)

    def scale(self) -> Tensor:
        """Return the scalar that turns a cosine into a logit: one over the temperature."""
        raise NotImplementedError


class Discriminator(nn.Module):
    """A network that scores how real images look: near 1 for real, near 0 for synthetic images (least squares).

    ``beside`` is what it sees of the sources: ``nothing``, their ``stack``, or the ``canvas``, zero if not shown.
    """

    kind: ClassVar[str] = "discriminator"
    beside: Beside = "nothing"

    def forward(self, images: Tensor, modalities: Tensor) -> Tensor:
        """Score images (N, 1 + beside, *S), of modalities (N,) int64, beside sources: (N, 1, *T), one a patch."""
        raise NotImplementedError


class SetDiscriminator(nn.Module):
    """A network that scores how real each modality of a completed canvas looks, given the real canvas."""

    def forward(self, canvas: Tensor, real: Tensor) -> Tensor:
        """Score canvases (B, M, *S), zero if a modality is absent: (B, M, *T), one score a patch and modality."""
        raise NotImplementedError


class Loss(nn.Module):
    """A comparison of prediction and truth; the objective multiplies it by ``weight``.

    ``whole_images`` marks a loss that needs whole images, not single points; ``both_ways``, one that compares the
    syntheses from sources to targets and back. The build sets ``label``, the name of its term in logs: the recipe's
    ``label``, or else the name under which the loss is registered.
    """

    kind: ClassVar[str] = "loss"
    for_build: ClassVar[Mapping[str, Any]] = {"label": str | None}
    label: str = ""
    whole_images: ClassVar[bool] = False
    both_ways: ClassVar[bool] = False

    def __init__(self, *, weight: NotNegative = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, outcome: Outcome) -> Tensor:
        """Return a scalar."""
        raise NotImplementedError


def unmodulated(site: str, features: Tensor) -> Tensor:
    """Return the features unchanged: what a network without conditioners calls at its sites."""
    return features
