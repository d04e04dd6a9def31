"""What says, without the truth, where a synthesis may be wrong: one number a voxel for each kind of evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations

import torch
from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.data.volumes.study import Study
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.trust.local import depth_below_border, gradient_magnitude, local_mean
from anysyn.trust.perturbations import Perturbation, perturbations_of

EVIDENCE = ("spread", "local spread", "dependence", "cycle", "gradient", "intensity", "depth", "sources")


@dataclass(frozen=True, eq=False)
class Evidence:
    """A synthesis with what is known of its uncertainty.

    Args:
        image: (X, Y, Z), the synthesis, prepared intensities.
        kinds: (E, X, Y, Z), in the order of `EVIDENCE`.
        without: By source, (X, Y, Z): the synthesis without that source; empty if there is only one.
    """

    image: Tensor
    kinds: Tensor
    without: Mapping[str, Tensor]


def gather(
    run: LoadedRun,
    study: Study,
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    batch: int = 8,
    acquisitions: Mapping[str, Acquisition] | None = None,
) -> dict[str, Evidence]:
    """Synthesize targets several times over, and return each with its evidence.

    The spread (standard deviation) over perturbations that should change nothing; the spread over all non-empty subsets
    of the sources; the cycle, how far the sources are from what the network makes of the synthesis; beside them what a
    single answer shows: its gradient, its intensity, its depth below the border of the head, the number of sources.

    Args:
        run: The trained run.
        study: Prepared by it.
        sources: Modalities shown.
        targets: Modalities to synthesize; none is a source.
        batch: Tiles at once.
        acquisitions: Requested acquisitions by modality.

    Returns:
        By target.
    """
    ask = partial(run.predict, batch=batch, acquisitions=acquisitions)
    first = ask(study, sources, targets)
    changed = [_undone(change, ask(change.apply(study), sources, targets)) for change in perturbations_of(study)]
    fewer = {some: ask(study, some, targets) for some in subsets(sources)}
    depth = depth_below_border(study.foreground)
    return {name: _evidence(run, study, sources, name, first, changed, fewer, depth, batch) for name in targets}


def _undone(change: Perturbation, answers: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: change.back(image) for name, image in answers.items()}


def subsets(sources: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the non-empty proper subsets of the sources.

    Example:
        >>> subsets(["T1w", "T2w"]), subsets(["T1w"])
        ([('T1w',), ('T2w',)], [])
    """
    return [some for count in range(1, len(sources)) for some in combinations(sources, count)]


def _evidence(
    run: LoadedRun,
    study: Study,
    sources: Sequence[str],
    target: str,
    first: Mapping[str, Tensor],
    changed: Sequence[Mapping[str, Tensor]],
    fewer: Mapping[tuple[str, ...], Mapping[str, Tensor]],
    depth: Tensor,
    batch: int,
) -> Evidence:
    image = first[target]
    spread = torch.stack([image, *(answers[target] for answers in changed)]).std(0)  # (X, Y, Z)
    subset_answers = [answers[target] for answers in fewer.values()]
    dependence = torch.stack([image, *subset_answers]).std(0) if subset_answers else torch.zeros_like(image)
    single = {
        "spread": spread,
        "local spread": local_mean(spread, study.foreground),
        "dependence": dependence,
        "cycle": cycle_error(run, study, sources, target, image, batch),
        "gradient": gradient_magnitude(image),
        "intensity": image,
        "depth": depth,
        "sources": torch.full_like(image, len(sources)),
    }
    without = {
        source: answers[target]
        for source in sources
        for some, answers in fewer.items()
        if set(some) == set(sources) - {source}
    }
    return Evidence(image, torch.stack([single[kind] for kind in EVIDENCE]), without)  # (E, X, Y, Z)


def cycle_error(
    run: LoadedRun, study: Study, sources: Sequence[str], target: str, image: Tensor, batch: int = 8
) -> Tensor:
    """Return how far the sources are from what the network makes of the synthesis alone, mean over them: (X, Y, Z)."""
    answered = replace(study, images={**study.images, target: image})
    back = run.predict(answered, [target], list(sources), batch)
    return torch.stack([(back[name] - study.images[name]).abs() for name in sources]).mean(0)  # (X, Y, Z)
