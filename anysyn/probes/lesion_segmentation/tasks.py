"""What can be segmented: lesions whose masks both the training subjects and the measured subjects have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from anysyn.data.records import Subject
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.lesion_masks import LABEL_MAP, TASKS, Task, inputs_of
from anysyn.evaluation.region_maps import region_task
from anysyn.synthesis.loaded_run import LoadedRun


def check_unseen(
    run: LoadedRun,
    training: Sequence[Subject],
    subjects: Sequence[Subject],
    training_root: Path | None,
    root: Path | None,
) -> None:
    """Refuse to segment subjects that the segmenter trains on.

    Args:
        run: The run, whose data a root of None stands for.
        training: Subjects that the segmenter trains on.
        subjects: Subjects that are to be segmented.
        training_root: Where the former are.
        root: Where the latter are.

    Raises:
        EvaluationError: If one is among both.
    """
    own, other = (Path(one or run.recipe.data.root or "").resolve() for one in (training_root, root))
    both = {subject.key for subject in training} & {subject.key for subject in subjects}
    if own == other and both:
        raise EvaluationError(f"the segmenter trains on {min(both)}, which is to be outlined; choose another --split")


def tasks_of(
    run: LoadedRun, training: Sequence[Subject], subjects: Sequence[Subject], regions: Sequence[str] = ()
) -> dict[Task, tuple[str, ...]]:
    """Return the tasks that can be done, each with the modalities that its segmenter is shown.

    Args:
        run: The run.
        training: Subjects that segmenters train on.
        subjects: Subjects that are segmented.
        regions: Regions of label maps that are wanted, too.

    Raises:
        EvaluationError: If there is none, or nobody has the regions that are wanted.
    """
    tasks = {}
    wanted = region_task(regions) if regions else None
    for task in (*TASKS, *([wanted] if wanted else ())):
        inputs = inputs_of([subject for subject in training if task.known_of(subject)], run.recipe.modalities)
        if len(inputs) > 1 and any(task.able(subject, inputs) for subject in subjects):
            tasks[task] = inputs
    if wanted is not None and wanted not in tasks:
        raise EvaluationError(
            f"--region {', '.join(regions)}: training subjects and measured subjects have to share label maps (*_dseg) "
            "whose dseg.tsv has these names, and two modalities of the run"
        )
    if not tasks:
        words = "; ".join(f"{task.name}: {', '.join(sorted(task.masks))}" for task in TASKS)
        raise EvaluationError(
            "nothing can be outlined: training subjects and measured subjects have to share the masks of a lesion "
            f"({words}; or {LABEL_MAP}, as BraTS) and two modalities of the run"
        )
    return tasks
