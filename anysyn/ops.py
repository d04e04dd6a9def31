"""Pure tensor functions that several parts share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor

from anysyn.registry import suggest
from anysyn.types import Modulate


def beside(table: Tensor, images: Tensor) -> Tensor:
    """Return a table of a batch, which stays on the processor, on the device of the images, which nothing waits for.

    Args:
        table: Small, as all tables of a batch are.
        images: On any device.

    Example:
        >>> beside(torch.tensor([[0, 1]]), torch.zeros(1, 2, 8)).device.type
        'cpu'
    """
    device = images.device
    return table.to(device, non_blocking=device.type != "mps")  # which would read the table when it is gone


def chosen(images: Tensor, mask: Tensor) -> Tensor:
    """Take what a mask marks, without a wait for the device of the images if the mask lies on the processor.

    Args:
        images: (B, K, ...), or (B, ...).
        mask: (B, K) or (B,) bool.

    Returns:
        (N, ...), in the order of the mask.

    Example:
        >>> chosen(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[True, False], [True, True]])).tolist()
        [1.0, 3.0, 4.0]
    """
    return images[beside(mask.nonzero().T, images).unbind()]  # (N, ...)


def spread(vector: Tensor, features: Tensor) -> Tensor:
    """Append voxel axes of length one so that (B, C) broadcasts over (B, C, *S), on the device of the features.

    Example:
        >>> spread(torch.ones(2, 3), torch.ones(2, 3, 8, 8)).shape
        torch.Size([2, 3, 1, 1])
    """
    return beside(vector, features).reshape(*vector.shape, *(1,) * (features.ndim - vector.ndim))


def scale_and_shift(features: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Scale and shift every channel by (B, C) each: ``scale x + shift``, in the more precise dtype of the three.

    Example:
        >>> scale_and_shift(torch.ones(1, 1, 2), torch.tensor([[2.0]]), torch.tensor([[3.0]]))
        tensor([[[5., 5.]]])
    """
    return torch.addcmul(spread(shift, features), features, spread(scale, features))  # (B, C, *S)


def pick(images: Tensor, which: Tensor) -> Tensor:
    """Take modalities (B, K) of each sample: (B, M, *S) to (B, K, *S).

    Example:
        >>> pick(torch.arange(6.0).reshape(2, 3, 1), torch.tensor([[2], [0]])).flatten().tolist()
        [2.0, 3.0]
    """
    return images.gather(1, spread(which, images).expand(*which.shape, *images.shape[2:]))  # (B, K, *S)


def shown(images: Tensor, sources: Tensor) -> Tensor:
    """Keep the sources and set every other modality to zero: (B, M, *S) to (B, M, *S).

    Example:
        >>> shown(torch.ones(1, 3, 2), torch.tensor([[1]]))[0, :, 0].tolist()
        [0.0, 1.0, 0.0]
    """
    mask = torch.zeros(images.shape[:2], dtype=torch.bool, device=sources.device).scatter(1, sources, True)  # (B, M)
    return torch.where(spread(mask, images), images, 0)  # a product would turn a NaN that is not shown into a NaN


def pad_to_multiple(images: Tensor, multiple: int, axes: int) -> tuple[Tensor, tuple[slice, ...]]:
    """Pad the last voxel axes at their ends by repeating the border, up to a multiple.

    Args:
        images: (B, C, *S).
        multiple: What each padded length is divisible by.
        axes: How many of the voxel axes are padded.

    Returns:
        The padded images and the index that cuts the original region out again.

    Example:
        >>> padded, back = pad_to_multiple(torch.rand(1, 1, 3, 5, 8), 4, axes=2)
        >>> padded.shape[2:], padded[back].shape[2:]
        (torch.Size([3, 8, 8]), torch.Size([3, 5, 8]))
    """
    sizes = images.shape[2:]
    missing = [0] * (len(sizes) - axes) + [-n % multiple for n in sizes[len(sizes) - axes :]]
    amounts = [amount for extra in reversed(missing) for amount in (0, extra)]
    padded = F.pad(images, amounts, mode="replicate") if any(missing) else images
    return padded, (slice(None), slice(None), *(slice(n) for n in sizes))


def resolve(word: str, choices: Sequence[str], where: str) -> int:
    """Return the position of a word among the choices.

    Raises:
        ValueError: If it is not among them; the message gives the nearest match.
    """
    if word not in choices:
        raise ValueError(f"{where}: {word!r} is unknown; {suggest(word, choices)}")
    return list(choices).index(word)


def slices(images: Tensor, axes: int = 2) -> Tensor:
    """Cut images into planes of their last two voxel axes for a 2-D network, or keep whole volumes for a 3-D one.

    Args:
        images: (N, *S) with two voxel axes, or with three, the first of which counts the planes.
        axes: Number of voxel axes that the network reads: 2 for planes, 3 for whole volumes.

    Returns:
        (N, Z, 1, H, W); Z is 1 for images with two voxel axes. Whole volumes are (N, 1, 1, X, Y, Z).

    Example:
        >>> slices(torch.zeros(4, 16, 24)).shape, slices(torch.zeros(4, 3, 16, 24)).shape
        (torch.Size([4, 1, 1, 16, 24]), torch.Size([4, 3, 1, 16, 24]))
    """
    planes = images.unsqueeze(1) if images.ndim == 3 or axes == 3 else images  # (N, Z, H, W)
    return planes.unsqueeze(2)  # (N, Z, 1, H, W)


def first_mentions(which: Tensor) -> Tensor:
    """Mark the entries (B, J) of a row that do not repeat an earlier one.

    Example:
        >>> first_mentions(torch.tensor([[0, 2, 0], [1, 1, 1]])).tolist()
        [[True, True, False], [True, False, False]]
    """
    same = which.unsqueeze(2) == which.unsqueeze(1)  # (B, J, J)
    return ~same.tril(-1).any(2)  # (B, J)


def counted_once(sources: Tensor) -> Tensor | None:
    """Mark the first mentions (B, J) of modalities among sources; None if all are, as in batches of one pattern.

    Example:
        >>> counted_once(torch.tensor([[0, 2], [1, 1]])), counted_once(torch.tensor([[0, 2]]))
        (tensor([[ True,  True],
                [ True, False]]), None)
    """
    if sources.is_meta:  # a layout without memory
        return None
    counts = first_mentions(sources)  # (B, J)
    return None if bool(counts.all()) else counts


def among(which: Tensor, others: Tensor) -> Tensor:
    """Mark the entries (B, K) of a row that also occur in another row (B, J), as targets that are sources too.

    Example:
        >>> among(torch.tensor([[0, 1], [2, 1]]), torch.tensor([[1], [2]])).tolist()
        [[False, True], [True, False]]
    """
    return (which.unsqueeze(2) == others.unsqueeze(1)).any(2)  # (B, K)


def rows_by_value(values: Tensor) -> list[tuple[int, Tensor]]:
    """Group the rows of a batch by a number of each row.

    Args:
        values: (B,) int64.

    Returns:
        Pairs of a number and its rows (R,), in rising order.

    Example:
        >>> [(value, rows.tolist()) for value, rows in rows_by_value(torch.tensor([2, 0, 2]))]
        [(0, [1]), (2, [0, 2])]
    """
    if values.is_meta:  # a layout without memory holds no values: one stands for all
        return [(0, torch.arange(len(values), device=values.device))]
    return [(value, (values == value).nonzero().flatten()) for value in sorted(set(values.tolist()))]


def rejoin(groups: Sequence[Tensor], rows: Sequence[Tensor]) -> Tensor:
    """Join the groups of a batch, each row at its original position.

    Args:
        groups: (R_i, ...) each.
        rows: (R_i,) int64 each, the positions; together they contain every row once.

    Returns:
        (B, ...), where B is the sum of the R_i.

    Example:
        >>> rejoin([torch.tensor([10]), torch.tensor([20, 30])], [torch.tensor([1]), torch.tensor([0, 2])]).tolist()
        [20, 10, 30]
    """
    joined = torch.cat(list(groups))
    return joined[beside(torch.cat(list(rows)).argsort(), joined)]  # (B, ...)


def for_rows(modulate: Modulate, rows: Tensor, total: int) -> Modulate:
    """Apply a modulation of whole batches to some of their rows.

    A condition has a row for each sample of the batch, so the features are padded with zeros to the whole batch.

    Args:
        modulate: The modulation of (B, C, *S).
        rows: (R,) int64, positions of the rows.
        total: B.

    Returns:
        The modulation of (R, C, *S).

    Example:
        >>> double_the_first = lambda site, x: x * torch.tensor([[2.0], [1.0], [1.0]])
        >>> act = for_rows(double_the_first, torch.tensor([2, 0]), total=3)
        >>> act("encoder/out", torch.tensor([[5.0], [7.0]])).flatten().tolist()
        [5.0, 14.0]
    """

    def act(site: str, features: Tensor) -> Tensor:
        here = beside(rows, features)
        whole = features.new_zeros(total, *features.shape[1:]).index_copy(0, here, features)  # (B, C, *S)
        return modulate(site, whole)[here]  # (R, C, *S)

    return act


def in_float32(device: torch.device) -> AbstractContextManager[object]:
    """Return a context without automatic casting to a lower precision on a device.

    Example:
        >>> with torch.autocast("cpu", torch.bfloat16), in_float32(torch.device("cpu")):
        ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
        torch.float32
    """
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)


def at_least_float32(tensor: Tensor) -> Tensor:
    """Return a tensor of half precision as float32, and every other as it is.

    Example:
        >>> [at_least_float32(torch.ones(1, dtype=kind)).dtype for kind in (torch.bfloat16, torch.float64)]
        [torch.float32, torch.float64]
    """
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def apply_in_float32(layer: Callable[[Tensor], Tensor], features: Tensor) -> Tensor:
    """Apply a network's last layer in float32, so that an image is not rounded to the 8 bits of a bfloat16.

    In a CT window of 4096 HU these are steps of 8 HU and more.

    Args:
        layer: The last layer, or all that follow the last wide one; its weights are float32.
        features: (..., C, *S) or (..., C), of any floating type.

    Returns:
        What the layer answers, in float32 or better.

    Example:
        >>> layer = torch.nn.Linear(1, 1)
        >>> with torch.autocast("cpu", torch.bfloat16):
        ...     layer(torch.ones(1)).dtype, apply_in_float32(layer, torch.ones(1)).dtype
        (torch.bfloat16, torch.float32)
    """
    with in_float32(features.device):
        return layer(at_least_float32(features))
