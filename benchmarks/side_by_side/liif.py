"""LIIF as published and as in anysyn, with the same weights at the same points."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

import torch
import typer
from torch import Tensor, nn

from anysyn.nn.implicit.liif import liif, liif_inputs
from anysyn.nn.mlp import MLP
from anysyn.points import lattice
from side_by_side.cost import Measured, alone, measured
from side_by_side.liif_published import liif_published

Form = Literal["published", "exact", "ours"]


class Case(NamedTuple):
    """Sizes of an evaluation.

    Args:
        channels: Channels C of the features.
        side: Voxels of the features along each of three axes.
        onto: Voxels of the image along each axis.
        hidden: Width of the four hidden layers.
        chunk: Points at a time in our form; the published form takes 30,000, as published.
    """

    channels: int
    side: int
    onto: int
    hidden: int
    chunk: int


def evaluated(case: Case, form: Form) -> Measured:
    """Evaluate a form after a small warm-up, and return image and cost.

    Args:
        case: The sizes.
        form: The published form with its own rule or the exact one, or ours.
    """
    torch.manual_seed(0)
    mlp = MLP(liif_inputs(case.channels, 3), [case.hidden] * 4, 1)
    features = torch.randn(1, case.channels, *(case.side,) * 3)
    with torch.inference_mode():
        answer(features[..., :4, :4, :4], mlp, (4, 4, 4), form, case.chunk)
        return measured(lambda: answer(features, mlp, (case.onto,) * 3, form, case.chunk))


def answer(features: Tensor, mlp: MLP, onto: tuple[int, ...], form: Form, chunk: int) -> Tensor:
    """Return the image of a form, flat.

    Args:
        features: (1, C, *S).
        mlp: The perceptron.
        onto: Shape *N of the image.
        form: The form.
        chunk: Points at a time in our form.
    """
    places = lattice(features.shape[2:], onto)
    if form == "ours":
        return liif(features, mlp, places, chunk=chunk).flatten()
    linears = [layer for layer in mlp.layers if isinstance(layer, nn.Linear)]
    return liif_published(features, linears, places.points(1).at, places.step, rule=form).flatten()


def command(
    channels: Annotated[int, typer.Option(help="Channels of the features.")] = 64,
    side: Annotated[int, typer.Option(help="Voxels of the features along each of three axes.")] = 24,
    onto: Annotated[list[int] | None, typer.Option(help="Voxels of the image along each axis; repeatable.")] = None,
    hidden: Annotated[int, typer.Option(help="Width of the four hidden layers.")] = 256,
    chunk: Annotated[int, typer.Option(help="Points at a time in our form.")] = 8192,
) -> None:
    """Evaluate LIIF as published and as in anysyn: seconds, memory, largest difference.

    By default at twice the size of the features and at their own size, where every place is a tie: there the published
    form is run by the exact rule too, and that is what ours is compared with.
    """
    forms: tuple[Form, ...] = ("published", "exact", "ours")
    for places in onto or (2 * side, side):
        print(f"\nLIIF, C = {channels}, {side}^3 to {places}^3, hidden {hidden}, threads: {torch.get_num_threads()}")
        case = Case(channels, side, places, hidden, chunk)
        published, exact, ours = (alone(evaluated, case, form) for form in forms)
        for form, cost in zip(forms, (published, exact, ours), strict=True):
            times, less = cost.seconds / ours.seconds, cost.mebibytes / ours.mebibytes
            print(
                f"{form:<10}{cost.seconds:7.2f} CPU s ({times:5.1f} times ours)"
                f"{cost.mebibytes:7.0f} MiB added ({less:4.1f} times ours)"
            )
        tied = (published.answer - exact.answer).abs() > 1e-5
        print(f"largest difference to the exact rule: {(ours.answer - exact.answer).abs().max():.1e}")
        print(
            f"largest difference to the published form: {(ours.answer - published.answer)[~tied].abs().max():.1e} "
            f"away from its {tied.sum()} wrong ties of {tied.numel()} places"
        )
