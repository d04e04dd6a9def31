"""Real training images of each dataset: their intensities, and which datasets have which contrasts."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from anysyn.data.loading.cache import Cache, Entry
from anysyn.data.records import Failure, Subject, listed
from anysyn.errors import UserError
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.dataset_swap.histograms import Histogram, count_intensities, pool
from anysyn.probes.probe import Request
from anysyn.progress import Progress
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.written_images import digest


def list_training_subjects(run: LoadedRun, root: Path | None) -> tuple[list[Subject], tuple[Failure, ...]]:
    """List the training subjects of a run that come from a dataset that it knows.

    Args:
        run: The run.
        root: Where they are; the data of the training, if None.

    Raises:
        EvaluationError: If none is there.
    """
    try:
        subjects, failures = run.subjects(root, "train")
    except (UserError, OSError) as error:
        raise EvaluationError(
            f"what the datasets of {run.folder.path} look like is not known, since its training subjects were not "
            f"found ({error}); name their folder with --training"
        ) from error
    return [subject for subject in subjects if subject.dataset in run.datasets.learned], failures


def count_images(subjects: Sequence[Subject], modalities: Sequence[str]) -> dict[str, dict[str, int]]:
    """Count by modality the images of each dataset.

    Args:
        subjects: Whose images count.
        modalities: In order.

    Example:
        >>> one = Subject("sub-01", "B", {"T1w": Path("t1.nii")}, {}, {})
        >>> count_images([one], ["T1w", "T2w"])
        {'T1w': {'B': 1}, 'T2w': {}}
    """
    counts = {name: Counter(one.dataset for one in subjects if name in one.images) for name in modalities}
    return {name: dict(sorted(count.items())) for name, count in counts.items()}


def list_shared(covered: Mapping[str, Collection[str]], where: object) -> list[str]:
    """List the modalities that at least two datasets have, so that they can be swapped.

    Args:
        covered: By modality, the datasets.
        where: The run, for the message.

    Raises:
        EvaluationError: If there is none.

    Example:
        >>> list_shared({"T1w": ["A", "B"], "ADC": ["B"]}, "run")
        ['T1w']
        >>> list_shared({"T1w": ["A"]}, "run")
        Traceback (most recent call last):
        anysyn.evaluation.errors.EvaluationError: run: its training has one dataset, 'A'; a second one is \
needed: train on subjects of several sites or folders
    """
    names = sorted({name for datasets in covered.values() for name in datasets})
    shared = [name for name, datasets in covered.items() if len(datasets) > 1]
    if shared:
        return shared
    if len(names) < 2:
        one = f"one dataset, {names[0]!r}" if names else "no subject of a known dataset"
        raise EvaluationError(
            f"{where}: its training has {one}; a second one is needed: train on subjects of several sites or folders"
        )
    each = "; ".join(f"{name}: {', '.join(datasets)}" for name, datasets in covered.items() if datasets)
    raise EvaluationError(f"{where}: no contrast is there in two datasets of its training ({each})")


def read_references(
    run: LoadedRun, subjects: Sequence[Subject], targets: Sequence[str], request: Request
) -> tuple[dict[str, dict[str, Histogram]], tuple[Failure, ...]]:
    """Pool the foreground intensities of prepared real images; they are kept on disk, so images are read once.

    Args:
        run: Prepares the images.
        subjects: Those of the training.
        targets: The modalities that count.
        request: In whose folder they are kept.

    Returns:
        By modality and dataset; and the subjects that cannot be read, without which the others count.
    """
    images = [[one.key, one.dataset, *(_state(path) for path in one.images.values())] for one in subjects]
    name = json.dumps([images, list(targets), digest(run.folder.recipe), run.folder.read("windows.json")])
    cache = Cache(request.folder / "references")
    entry = cache.get(name, lambda: _pool_images(run, subjects, targets, request.progress))
    failures = [Failure(key, None, reason) for key, reason in json.loads(entry.notes["failures"])]
    keys = [key.partition("/") for key in sorted(entry.tensors)]
    by_target = {
        target: {
            dataset: Histogram(*entry.tensors[f"{name}/{dataset}"].numpy())
            for name, _, dataset in keys
            if name == target
        }
        for target in targets
    }
    return by_target, tuple(failures)


def _pool_images(run: LoadedRun, subjects: Sequence[Subject], targets: Sequence[str], progress: Progress) -> Entry:
    failures, histograms = list[Failure](), defaultdict[str, list[Histogram]](list)
    for subject in progress.over("reading training images", subjects):
        with listed(failures, subject.key):
            study = run.prepare(subject)
            for name in (name for name in targets if name in study.images):
                intensities = study.images[name][study.foreground]
                histograms[f"{name}/{study.dataset}"].append(count_intensities(intensities))
    tensors = {key: torch.from_numpy(np.stack(pool(some))) for key, some in histograms.items()}
    return Entry(tensors, {"failures": json.dumps([[one.key, one.reason] for one in failures])})


def _state(path: Path) -> list[str | int]:
    """Return what changes when another file takes this one's place; of a link to nothing, its name alone."""
    known = path.stat() if path.exists() else None
    return [str(path), *((known.st_size, known.st_mtime_ns) if known else ())]
