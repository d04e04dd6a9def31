"""Simple baselines of a model: the source copied, and a voxelwise regression of the intensity."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor

from anysyn.data.modalities import modality
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.pairs import Pair

if TYPE_CHECKING:
    from anysyn.data.volumes.study import Study

Key = TypeVar("Key")


@dataclass(frozen=True)
class Voxels:
    """Intensities of a sample of foreground voxels of the training subjects.

    Args:
        values: (N, M) float32, prepared intensities; NaN if the subject lacks the modality.
        modalities: Names of the M columns.
    """

    values: npt.NDArray[np.float32]
    modalities: tuple[str, ...]

    def of(self, pair: Pair) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the sources (n, J) and the target (n,) of the voxels that have all modalities of a pair.

        Raises:
            EvaluationError: If no training subject has all of them.

        Example:
            >>> voxels = Voxels(np.array([[1, 2], [3, np.nan]], dtype=np.float32), ("T1w", "T2w"))
            >>> [x.tolist() for x in voxels.of(Pair(("T1w",), "T2w"))]
            [[[1.0]], [2.0]]
        """
        columns = [self.modalities.index(name) for name in (*pair.sources, pair.target)]
        known = self.values[:, columns]  # (N, J + 1)
        known = known[~np.isnan(known).any(axis=1)]  # (n, J + 1)
        if not len(known):
            raise EvaluationError(
                f"{pair}: no training subject has {' and '.join((*pair.sources, pair.target))} together"
            )
        return known[:, :-1], known[:, -1]


def draw_voxels(study: Study, modalities: Sequence[str], count: int, generator: np.random.Generator) -> Voxels:
    """Draw at most ``count`` foreground voxels of one subject without replacement; columns are the modalities.

    Raises:
        EvaluationError: If the subject has no foreground.

    Example:
        >>> from anysyn.data.volumes.study import Study
        >>> image = torch.rand(4, 4, 4)
        >>> study = Study("sub-01", "", {"T1w": image}, np.eye(4), image > -1)
        >>> draw_voxels(study, ["T1w", "T2w"], 10, np.random.default_rng(0)).values.shape
        (10, 2)
    """
    inside = study.foreground.flatten().nonzero().squeeze(1)  # (V,)
    if not len(inside):
        raise EvaluationError(f"{study.key}: the foreground is empty")
    drawn = generator.choice(len(inside), size=min(count, len(inside)), replace=False)
    where = inside[torch.from_numpy(drawn)]  # (n,)
    values = np.full((len(where), len(modalities)), np.nan, dtype=np.float32)
    for column, name in enumerate(modalities):
        if name in study.images:
            values[:, column] = study.images[name].flatten()[where].numpy()
    return Voxels(values, tuple(modalities))


def stack(samples: Iterable[Voxels]) -> Voxels:
    """Concatenate the samples of several subjects, which have the same columns.

    Example:
        >>> sample = Voxels(np.zeros((2, 1), dtype=np.float32), ("T1w",))
        >>> stack([sample, sample]).values.shape
        (4, 1)
    """
    samples = list(samples)
    return Voxels(np.concatenate([sample.values for sample in samples]), samples[0].modalities)  # (N, M)


def choose_subjects(
    contrasts: Sequence[tuple[Key, Collection[str]]],
    pairs: Sequence[Pair],
    most: int,
    generator: np.random.Generator,
) -> list[Key]:
    """Choose subjects at random until every pair has enough, so that not all of a large cohort is read.

    ``contrasts`` has each subject with its contrasts; ``most`` subjects are enough for a pair.

    Example:
        >>> cohort = [("a", ["T1w"]), ("b", ["T1w", "T2w"]), ("c", ["T2w", "T1w"])]
        >>> len(choose_subjects(cohort, [Pair(("T1w",), "T2w")], 1, np.random.default_rng(0)))
        1
    """
    counts: Counter[Pair] = Counter()
    chosen = []
    for number in generator.permutation(len(contrasts)):
        subject, names = contrasts[number]
        useful = [pair for pair in pairs if pair.within(names)]
        if any(counts[pair] < most for pair in useful):
            chosen.append(subject)
            counts.update(useful)
    return chosen


class Baseline(ABC):
    """A prediction of a target from its sources without a network."""

    label: ClassVar[str]

    @abstractmethod
    def __init__(self, pair: Pair, voxels: Voxels) -> None: ...

    @abstractmethod
    def predict(self, study: Study) -> Tensor:
        """Return the target (X, Y, Z) in prepared intensities, from the sources alone."""


class SourceCopy(Baseline):
    """A copy of the source that is closest to the target, in mean squared error, on the training subjects.

    Args:
        pair: Sources and target.
        voxels: Sample of the training subjects, for the choice among several sources.

    Raises:
        EvaluationError: If there are several sources and no training subject has them with the target.

    Example:
        >>> voxels = Voxels(np.array([[0.1, 0.9, 0.8], [0.2, 0.5, 0.5]], dtype=np.float32), ("T1w", "T2w", "FLAIR"))
        >>> SourceCopy(Pair(("T1w", "T2w"), "FLAIR"), voxels).source
        'T2w'
    """

    label = "source copied"

    def __init__(self, pair: Pair, voxels: Voxels) -> None:
        self.source, self.target = pair.sources[0], pair.target
        if len(pair.sources) > 1:
            sources, target = voxels.of(pair)
            errors = np.square(sources - target[:, None]).mean(axis=0)  # (J,)
            self.source = pair.sources[int(errors.argmin())]

    def predict(self, study: Study) -> Tensor:
        """Return the chosen source (X, Y, Z); for another kind of target, with its air outside the foreground.

        Between units the windows correspond: the middle of the window of T1w becomes the middle of that of CT.
        """
        copy = study.images[self.source]
        if modality(self.source).family == modality(self.target).family:
            return copy
        return torch.where(study.foreground, copy, copy.new_tensor(study.air(self.target)))


class IntensityRegression(Baseline):
    """Gradient-boosted trees that predict the target's intensity at a voxel from the sources' intensities there.

    Args:
        pair: Sources and target.
        voxels: Sample of the training subjects' foreground.

    Raises:
        EvaluationError: If no training subject has the sources with the target.

    Example:
        >>> ramp = np.linspace(0, 1, 500, dtype=np.float32)
        >>> fitted = IntensityRegression(Pair(("T1w",), "T2w"), Voxels(np.stack([ramp, 1 - ramp], 1), ("T1w", "T2w")))
        >>> bool(abs(fitted.intensities(np.array([[0.25]], dtype=np.float32))[0] - 0.75) < 0.02)
        True
    """

    label = "intensity regression"

    def __init__(self, pair: Pair, voxels: Voxels) -> None:
        self.pair = pair
        # On brain scans, 40 steps of 0.2 are within 0.01 dB of 100 steps of 0.1, in 0.4 of the time. Early stopping
        # would leave voxels out at random, and with so few inputs there is no overfitting.
        self.trees = HistGradientBoostingRegressor(max_iter=40, learning_rate=0.2, early_stopping=False, random_state=0)
        with threadpool_limits(1):  # threads that wait for a busy core make a fit this small ten times slower
            self.trees.fit(*voxels.of(pair))

    def intensities(self, sources: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the target's intensities (N,) for the sources' (N, J)."""
        return self.trees.predict(sources).astype(np.float32)  # type: ignore[no-any-return]

    def predict(self, study: Study) -> Tensor:
        """Return (X, Y, Z): the regression inside the foreground, air outside."""
        inside = study.foreground
        sources = torch.stack([study.images[name][inside] for name in self.pair.sources], dim=1)  # (V, J)
        image = torch.full(inside.shape, study.air(self.pair.target))
        image[inside] = torch.from_numpy(self.intensities(sources.numpy()))
        return image


BASELINES: tuple[type[Baseline], ...] = (SourceCopy, IntensityRegression)
