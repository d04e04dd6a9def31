"""A network of a run with its question fixed: which sources are shown and what is asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from anysyn.acquisition import Acquisition
from anysyn.data.geometry.boxes import triple
from anysyn.data.modalities import modality
from anysyn.data.prepare.resample import Resample
from anysyn.errors import UserError
from anysyn.registry import suggest
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.requests.dataset import reads_dataset
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Condition, Query

VOLUME = ("x", "y", "z")  # axes


class FixedNetwork(nn.Module):
    """Prepared sources (B, J, *S) to the prepared target (B, 1, *S), of any lengths that may vary.

    As the run does, it pads to a multiple of `multiple` by repeating the border, and cuts that off again. What the
    conditioners know of the question is computed once and kept.

    Args:
        model: The synthesizer, in evaluation mode.
        modalities: How many the run knows.
        sources: Their numbers, in the order of the input's channels.
        target: Its number.
        example: A batch of one sample (1, M, *S) with its query, as synthesis would make them.
        along: Names of the axes *S: those of the volume, in the order of the input.

    Attributes:
        multiple: What it pads to along the free axes.
        free: Axes of the input along which the length may vary.
        names: Of all axes of the input.
    """

    def __init__(
        self,
        model: Synthesizer,
        modalities: int,
        sources: list[int],
        target: int,
        example: tuple[Batch, Query],
        along: Sequence[str] = VOLUME,
    ) -> None:
        super().__init__()
        self.model, self.modalities, self.sources, self.target = model, modalities, sources, target
        self.multiple = int(model.encoder.strides[-1])
        axes = example[0].images.dim()
        self.free = tuple(range(axes - model.encoder.dimensions, axes))
        self.names = ("batch", "source", *along[: axes - 2])
        batch, query = example
        self.batch, self.query = replace(batch, images=batch.images[..., :0]), query
        for number, condition in enumerate(model.conditioners.embed(batch, query)):
            self.register_buffer(f"source{number}", condition.source.detach().clone())
            self.register_buffer(f"target{number}", condition.target.detach().clone())

    def forward(self, images: Tensor) -> Tensor:
        """Synthesize."""
        count = images.shape[0]
        canvas = self._canvas(self._padded(images))  # (B, M, *S padded)
        sources, targets = torch.tensor([self.sources]), torch.tensor([[self.target]])
        if not isinstance(count, int) or count != 1:  # numbers that are known while it is exported, where they can be
            sources, targets = sources.expand(count, -1), targets.expand(count, -1)
        modulate = self.model.conditioners.modulate(self._conditions(count))
        features = self.model.encoder(canvas, sources, modulate)
        answer = self._cut(self.model.decoder(features, targets, modulate, None), images)  # (B, 1, *S)
        if self.model.shortcut is not None:  # of what is not padded, as in the run
            canvas = self._canvas(images)  # (B, M, *S)
            available = self.batch.available.expand(count, -1)
            batch = Batch(canvas, available, canvas.new_ones(count, 1), canvas.new_ones(count, canvas.dim() - 2))
            answer = answer + self.model.shortcut(batch, Query(sources, targets))  # (B, 1, *S)
        return answer

    def _canvas(self, images: Tensor) -> Tensor:
        canvas = images.new_zeros(images.shape[0], self.modalities, *images.shape[2:])  # (B, M, *S)
        canvas[:, self.sources] = images
        return canvas

    # Both take places by number, where a pad and a slice would fix the lengths while torch.export looks.
    def _padded(self, images: Tensor) -> Tensor:
        for axis in self.free if self.multiple > 1 else ():
            length = images.shape[axis]
            places = torch.arange((length + self.multiple - 1) // self.multiple * self.multiple)
            images = images.index_select(axis, places.clamp(max=length - 1))
        return images

    def _cut(self, answer: Tensor, images: Tensor) -> Tensor:
        for axis in self.free if self.multiple > 1 else ():
            answer = answer.index_select(axis, torch.arange(images.shape[axis]))
        return answer

    def _conditions(self, count: int) -> list[Condition]:
        """Return the kept conditions for a number of samples."""
        kept = [
            (self.get_buffer(f"source{number}"), self.get_buffer(f"target{number}"))
            for number in range(len(self.model.conditioners))
        ]
        return [Condition(*(part.expand(count, -1, -1) for part in pair)) for pair in kept]


def fixed_network(
    run: LoadedRun, sources: list[str], target: str, size: int, spacing: Sequence[float] | None = None
) -> tuple[FixedNetwork, Tensor]:
    """Return the network of a run with its question fixed, and an example of its input.

    Args:
        run: A loaded run, on the CPU.
        sources: Canonical names, in the order of the channels.
        target: Canonical name.
        size: At least so many voxels a side has the example.
        spacing: Voxel size in mm that the network is told; by default that of `voxel_size`.

    Raises:
        UserError: If a modality is unknown to the run, its network is conditioned on the dataset and knows none of this
            name, or it is none that answers in one pass.
    """
    names = list(run.recipe.modalities)
    for name in (*sources, target):
        if name not in names:
            raise UserError(f"this run knows no {name!r}; {suggest(name, names)}")
    if type(run.model) is not Synthesizer:
        raise UserError(
            f"a {type(run.model).__name__} answers in many passes, and only a network of one pass can be exported; "
            "call it with anysyn.load"
        )
    multiple = int(run.model.encoder.strides[-1])
    length = -(-size // multiple) * multiple
    numbers = [names.index(name) for name in sources]
    stack = (run.view.depth,) if run.view.dimensions == 2 and run.view.depth > 1 else ()
    shape = (*stack, *([length] * run.view.dimensions))  # *S
    images = torch.rand(1, len(sources), *shape)
    example = _example(run, images, numbers, names.index(target), voxel_size(run, spacing))
    along = [VOLUME[axis] for axis in run.view.spatial]
    network = FixedNetwork(run.model, len(names), numbers, names.index(target), example, along)
    return network.eval(), images


def voxel_size(run: LoadedRun, spacing: Sequence[float] | None) -> tuple[float, float, float] | None:
    """Return the voxel size in mm that a network is told: the one asked for, or that which the run resamples to.

    Args:
        run: The run.
        spacing: Three lengths, or None.

    Returns:
        Three lengths; None if neither says any.

    Raises:
        UserError: If these are not three lengths above 0.
    """
    if spacing is not None:
        if len(spacing) != 3 or not all(0 < edge < math.inf for edge in spacing):
            raise UserError(
                f"--spacing {','.join(f'{edge:g}' for edge in spacing)}: give three lengths in mm, as 1,1,1"
            )
        return triple(spacing)
    steps = [step.spacing for step in run.pipeline.steps if isinstance(step, Resample)]
    x, y, z = steps[-1] if steps else (None, None, None)
    return None if x is None or y is None or z is None else (x, y, z)


def _example(
    run: LoadedRun, images: Tensor, sources: list[int], target: int, edges: tuple[float, float, float] | None
) -> tuple[Batch, Query]:
    """Return a batch of one sample and its query; of the acquisitions modality and voxel size alone are known."""
    names = list(run.recipe.modalities)
    canvas = images.new_zeros(1, len(names), *images.shape[2:])  # (1, M, *S)
    canvas[:, sources] = images
    available = torch.tensor([[number in sources for number in range(len(names))]])  # (1, M)
    known = tuple(Acquisition(modality=modality(name).name, voxel_size_mm=edges) for name in names)
    dataset = run.datasets.weights(run.dataset or "") if reads_dataset(run.model) else torch.ones(1, 1)
    spacing = torch.ones(1, canvas.dim() - 2)
    batch = Batch(canvas, available, dataset=dataset, spacing=spacing, acquisitions=(known,))
    return batch, batch.ask(torch.tensor([sources]), torch.tensor([[target]]))
