"""As coming from which dataset the network is told that a study is."""

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
    """Hold the datasets of a run.

    Args:
        names: All of them; their order numbers them.
        learned: Those that training subjects came from.

    Example:
        >>> Datasets(("A", "B", "C"), ("A", "C")).told("C").tolist()
        [2]
    """

    names: Sequence[str] = ()
    learned: Sequence[str] = ()

    def told(self, name: str) -> Tensor:
        """Return what a batch says of one sample: (1,) int64 the number, or for ``mean`` (1, N) the shares.

        Args:
            name: A dataset of the training, or ``mean``, their mean embedding.

        Raises:
            UserError: If it is neither; the message lists the choices.

        Example:
            >>> Datasets(("A", "B", "C"), ("A", "C")).told("mean").tolist()
            [[0.5, 0.0, 0.5]]
        """
        if name in self.learned:
            return torch.tensor([list(self.names).index(name)])  # (1,)
        if name == MEAN and self.learned:
            shares = torch.tensor([[float(one in self.learned) for one in self.names]])  # (1, N)
            return shares / shares.sum()
        known = f"{name!r} is none of its training" if name else "nothing says it of this one"
        raise UserError(
            f"this run's network is told from which dataset an image comes, and {known}; ask for one by --dataset "
            f"NAME, or for the mean embedding of all by --dataset {MEAN}; "
            f"{suggest(name, [*self.learned, MEAN])}"
        )


def hears_dataset(model: nn.Module) -> bool:
    """Tell whether anything in a network reads the dataset."""
    return any(getattr(one, "reads_dataset", False) for one in model.modules())


def check_dataset(model: nn.Module, datasets: Datasets, asked: str | None) -> None:
    """Refuse to be asked for a dataset that the network does not know, or is not told of.

    Args:
        model: The network.
        datasets: Those of the run.
        asked: A name, ``mean``, or None.

    Raises:
        UserError: If it would change nothing, or is unknown.
    """
    if asked is None:
        return
    if not hears_dataset(model):
        raise UserError(
            f"this run's network is not told from which dataset an image comes, so --dataset {asked} would change "
            "nothing; leave it out, or train a recipe with a conditioner that reads {name: dataset}"
        )
    datasets.told(asked)
