"""Which training dataset to treat a study as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from anysyn.errors import UserError
from anysyn.registry import suggest

MEAN = "mean"


@dataclass(frozen=True)
class Datasets:
    """The N datasets of a run.

    Args:
        names: All of them, in the order of their numbers.
        learned: Those that training subjects came from.
    """

    names: Sequence[str] = ()
    learned: Sequence[str] = ()

    def weights(self, name: str) -> Tensor:
        """Return (1, N) mixing weights: one-hot for a training dataset, equal weights of all of them for ``mean``.

        Raises:
            UserError: If it is neither; the message lists the choices.

        Example:
            >>> datasets = Datasets(("A", "B", "C"), ("A", "C"))
            >>> datasets.weights("C").tolist(), datasets.weights("mean").tolist()
            ([[0.0, 0.0, 1.0]], [[0.5, 0.0, 0.5]])
        """
        if name not in self.learned and (name != MEAN or not self.learned):
            known = f"{name!r} is none of its training" if name else "this image names none"
            raise UserError(
                f"this run's network is conditioned on the dataset, and {known}; treat it as one with --dataset "
                f"NAME (dataset='NAME'), or as the mean of all with --dataset {MEAN}; "
                f"{suggest(name, [*self.learned, MEAN])}"
            )
        mixed = [name] if name in self.learned else self.learned
        weights = torch.tensor([[float(dataset in mixed) for dataset in self.names]])  # (1, N)
        return weights / weights.sum()


def reads_dataset(model: nn.Module) -> bool:
    """Return whether a network is conditioned on the dataset."""
    return any(getattr(module, "reads_dataset", False) for module in model.modules())


def check_dataset(model: nn.Module, datasets: Datasets, name: str | None) -> None:
    """Refuse a dataset that the network does not know, or any if it is not conditioned on datasets.

    Raises:
        UserError: If it would change nothing, or is unknown.
    """
    if name is None:
        return
    if not reads_dataset(model):
        raise UserError(
            f"this run's network is not conditioned on the dataset, so --dataset {name} (dataset=) would change "
            "nothing; leave it out, or train a recipe with a conditioner that reads {name: dataset}"
        )
    datasets.weights(name)
