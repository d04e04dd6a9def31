"""An inferer of MONAI that cuts and blends a volume as a run of anysyn does; a bundle takes a copy of this file along.

MONAI's `SlidingWindowInferer` sets tiles at fixed steps and moves the last one back, weighs them by a Gaussian or not
at all, and knows no halo; a run spreads its tiles evenly, weighs them by sin^2, and leaves out those without any head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from typing import Any

import torch
from monai.inferers import Inferer
from torch import Tensor
from torch.nn import functional

from anysyn.data.geometry.boxes import Box, cut, starts, triple
from anysyn.synthesis.tiling.blending_weights import raised_cosine


class TiledInferer(Inferer):  # type: ignore[misc]
    """Cut a volume into tiles, ask a network of each, and blend the answers.

    Args:
        size: Voxels of a tile along X, Y, Z; -1 is the whole axis.
        overlap: Share of a tile that its neighbour covers as well.
        halo: Voxels at the ends of a tile whose answer is discarded, except at the ends of the volume.
        multiple: What the lengths that the network sees are multiples of, along X, Y, Z; filled up by the last voxel.
        air: The answer where there is no tile.

    Example:
        >>> inferer = TiledInferer(size=[4, 4, -1], overlap=0.5, multiple=[4, 4, 1])
        >>> image = torch.rand(1, 1, 10, 7, 3)
        >>> torch.allclose(inferer(image, lambda tile: 2 * tile), 2 * image)
        True
    """

    def __init__(
        self,
        *,
        size: Sequence[int],
        overlap: float,
        halo: int = 0,
        multiple: Sequence[int] = (1, 1, 1),
        air: float = 0.0,
    ) -> None:
        super().__init__()
        self.size, self.overlap, self.halo, self.multiple, self.air = size, overlap, halo, multiple, air

    def __call__(
        self,
        inputs: Tensor,
        network: Callable[..., Tensor],
        *args: Any,
        inside: Tensor | None = None,
        outside: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """Return the answer (B, 1, X, Y, Z).

        Args:
            inputs: (B, J, X, Y, Z).
            network: Maps a tile (1, J, x, y, z) to (1, 1, x, y, z).
            *args: For the network.
            inside: (B, 1, X, Y, Z) bool, the head or body; tiles without any are left out. All by default.
            outside: (J,) what a tile holds beyond the volume; 0 by default.
            **kwargs: For the network.
        """
        images = torch.as_tensor(inputs)
        inside = torch.ones_like(images[:, :1], dtype=torch.bool) if inside is None else torch.as_tensor(inside).bool()

        def ask(tile: Tensor) -> Tensor:
            return torch.as_tensor(network(tile, *args, **kwargs))

        return torch.stack([self._volume(*pair, outside, ask) for pair in zip(images, inside[:, 0], strict=True)])

    def _volume(
        self, image: Tensor, inside: Tensor, outside: Sequence[float] | None, ask: Callable[[Tensor], Tensor]
    ) -> Tensor:
        shape = triple(image.shape[1:])
        total, weight = image.new_zeros(1, *shape), image.new_zeros(shape)
        beyond = image.new_tensor([0.0] * len(image) if outside is None else outside)  # (J,)
        for box in self._boxes(inside):
            kept = box.kept(shape, self.halo)
            answer = self._answer(cut(image, box, beyond), ask)[(slice(None), *box.of(kept))]  # (1, x, y, z)
            side = self._weight(kept, shape).to(image)
            total[(slice(None), *kept.inside(shape))] += side * answer
            weight[kept.inside(shape)] += side
        return torch.where(weight > 0, total / weight, self.air)

    def _boxes(self, inside: Tensor) -> Iterator[Box]:
        shape = triple(inside.shape)
        size = triple(length if edge < 0 else edge for edge, length in zip(self.size, shape, strict=True))
        along = [
            starts(length, edge, max(self.overlap, 2 * self.halo / edge) if tile > 1 else 0.0)
            for length, edge, tile in zip(shape, size, self.size, strict=True)
        ]
        for x in along[0]:
            for y in along[1]:
                for z in along[2]:
                    box = Box((x, y, z), size)
                    if bool(inside[box.inside(shape)].any()):
                        yield box

    def _answer(self, tile: Tensor, ask: Callable[[Tensor], Tensor]) -> Tensor:
        missing = [-length % multiple for length, multiple in zip(tile.shape[1:], self.multiple, strict=True)]
        amounts = [amount for axis in reversed(missing) for amount in (0, axis)]
        padded = functional.pad(tile.unsqueeze(0), amounts, mode="replicate") if any(missing) else tile.unsqueeze(0)
        x, y, z = tile.shape[1:]
        return ask(padded)[0, :, :x, :y, :z]

    @staticmethod
    def _weight(kept: Box, shape: Sequence[int]) -> Tensor:
        """Return the weights of what is kept of a tile, (x, y, z)."""
        sides = [
            torch.ones(size) if size >= length else raised_cosine((torch.arange(size) + 0.5) / size)
            for size, length in zip(kept.size, shape, strict=True)
        ]
        return reduce(lambda product, side: product.unsqueeze(-1) * side, sides)
