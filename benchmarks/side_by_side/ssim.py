"""The loss `ssim` and its gradient by anysyn and by MONAI: matrix products and convolutions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, NamedTuple

import torch
import typer
from monai.losses import SSIMLoss
from torch import Tensor

from anysyn.losses.structure import similarity

WINDOW, SIGMA = 11, 1.5


class Cost(NamedTuple):
    """The loss of a form, its gradient, and its cost.

    Args:
        loss: One minus the SSIM.
        gradient: Gradient with respect to the prediction (N, *S).
        seconds: CPU time of a loss and its gradient.
    """

    loss: float
    gradient: Tensor
    seconds: float


def ours(prediction: Tensor, truth: Tensor) -> Tensor:
    """Return the loss of anysyn.

    Args:
        prediction: (N, *S).
        truth: (N, *S).
    """
    return 1 - similarity(prediction, truth, WINDOW, SIGMA).mean()


def monai(prediction: Tensor, truth: Tensor) -> Tensor:
    """Return the same loss by MONAI.

    Args:
        prediction: (N, *S).
        truth: (N, *S).
    """
    axes = prediction.ndim - 1
    loss = SSIMLoss(spatial_dims=axes, win_size=WINDOW, kernel_sigma=SIGMA)
    value: Tensor = loss(prediction.unsqueeze(1), truth.unsqueeze(1))
    return value


def cost_of(form: Callable[[Tensor, Tensor], Tensor], prediction: Tensor, truth: Tensor, repeats: int) -> Cost:
    """Compute the loss of a form and its gradient several times.

    Args:
        form: The form.
        prediction: (N, *S).
        truth: (N, *S).
        repeats: Number of repetitions.
    """
    start = time.process_time()
    for _ in range(repeats):
        leaf = prediction.clone().requires_grad_()
        loss = form(leaf, truth)
        loss.backward()
    assert leaf.grad is not None
    return Cost(loss.item(), leaf.grad, (time.process_time() - start) / repeats)


def command(repeats: Annotated[int, typer.Option(help="Losses in a turn; a first one does not count.")] = 5) -> None:
    """Compute the loss and its gradient of 12 slices of 40 x 48 and of 192 x 192 and of a patch of 64 x 64 x 64."""
    print(f"threads: {torch.get_num_threads()}")
    for shape in ((12, 40, 48), (12, 192, 192), (1, 64, 64, 64)):
        truth = torch.rand(*shape, generator=torch.Generator().manual_seed(0))
        prediction = 0.8 * truth + 0.1
        for form in (monai, ours):
            cost_of(form, prediction, truth, 1)
        print(row(shape, cost_of(monai, prediction, truth, repeats), cost_of(ours, prediction, truth, repeats)))


def row(shape: tuple[int, ...], theirs: Cost, mine: Cost) -> str:
    """Write what both forms cost in one line.

    Args:
        shape: Of the images, (N, *S).
        theirs: Cost of MONAI's.
        mine: Cost of ours.
    """
    apart = (theirs.gradient - mine.gradient).abs().max() / theirs.gradient.abs().max()
    return (
        f"{' x '.join(map(str, shape)):<18}MONAI {theirs.seconds * 1e3:8.1f} CPU ms, ours {mine.seconds * 1e3:7.1f} "
        f"({theirs.seconds / mine.seconds:.1f} times less); losses {abs(theirs.loss - mine.loss):.0e} apart, "
        f"gradients {apart:.0e} of the largest"
    )
