"""References: what the real images of each dataset of a training hold, and which datasets have which contrasts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from anysyn.data.records import Failure, Subject, listed
from anysyn.errors import UserError
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.dataset_swap.histograms import Histogram, histogram, pooled
from anysyn.progress import Progress
from anysyn.synthesis.loaded_run import LoadedRun


def training_of(run: LoadedRun, root: str | Path | None) -> tuple[list[Subject], tuple[Failure, ...]]:
    """Find the training subjects of a run that come from a dataset that it knows.

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


def coverage(subjects: Sequence[Subject], modalities: Sequence[str]) -> dict[str, dict[str, int]]:
    """Count by modality the images of each dataset.

    Args:
        subjects: Whose images count.
        modalities: In order.

    Example:
        >>> one = Subject("sub-01", "B", {"T1w": Path("t1.nii")}, {}, {})
        >>> coverage([one], ["T1w", "T2w"])
        {'T1w': {'B': 1}, 'T2w': {}}
    """
    counts = {name: Counter(one.dataset for one in subjects if name in one.images) for name in modalities}
    return {name: dict(sorted(held.items())) for name, held in counts.items()}


def shared(covered: Mapping[str, Collection[str]], where: object) -> list[str]:
    """List the modalities that at least two datasets have, so that another one can be asked for.

    Args:
        covered: By modality, the datasets.
        where: The run, for the message.

    Raises:
        EvaluationError: If there is none.

    Example:
        >>> shared({"T1w": ["A", "B"], "ADC": ["B"]}, "run")
        ['T1w']
        >>> shared({"T1w": ["A"]}, "run")
        Traceback (most recent call last):
        anysyn.evaluation.errors.EvaluationError: run: its training has one dataset, 'A'; another one to ask for is \
needed: train on subjects of several sites or folders
    """
    names = sorted({name for held in covered.values() for name in held})
    found = [name for name, held in covered.items() if len(held) > 1]
    if found:
        return found
    if len(names) < 2:
        one = f"one dataset, {names[0]!r}" if names else "no subject of a known dataset"
        raise EvaluationError(
            f"{where}: its training has {one}; another one to ask for is needed: train on subjects of several sites or "
            "folders"
        )
    said = "; ".join(f"{name}: {', '.join(held)}" for name, held in covered.items() if held)
    raise EvaluationError(f"{where}: no contrast is there in two datasets of its training ({said})")


def references_of(
    run: LoadedRun, subjects: Sequence[Subject], targets: Sequence[str], failures: list[Failure], progress: Progress
) -> dict[str, dict[str, Histogram]]:
    """Pool the foreground intensities of prepared real images, for each modality and dataset.

    Args:
        run: Prepares the images.
        subjects: Whose images are read.
        targets: The modalities that count.
        failures: Where subjects are noted that cannot be read; the others count.
        progress: Shown what is done.

    Returns:
        By modality and dataset.
    """
    found: dict[str, dict[str, list[Histogram]]] = {name: defaultdict(list) for name in targets}
    for subject in progress.over("reading training images", subjects):
        with listed(failures, subject.key):
            study = run.prepare(subject)
            for name in (name for name in targets if name in study.images):
                found[name][study.dataset].append(histogram(study.images[name][study.foreground]))
    return {name: {key: pooled(held[key]) for key in sorted(held)} for name, held in found.items()}
