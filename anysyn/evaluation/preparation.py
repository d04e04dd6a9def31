"""Preparation of a subject for some pairs: an image that none of them needs costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anysyn.data.errors import VolumeError
from anysyn.data.records import Subject
from anysyn.data.volumes.study import Study
from anysyn.evaluation.pairs import Pair, modalities_of
from anysyn.synthesis.loaded_run import LoadedRun


def prepare_for(run: LoadedRun, subject: Subject, pairs: Sequence[Pair]) -> tuple[Study, list[str]]:
    """Prepare a subject; if an image that no pair needs cannot be used, without those.

    Args:
        run: The run.
        subject: The subject.
        pairs: Pairs whose contrasts are needed.

    Returns:
        The study, and a note if images were left out, since they no longer count for the foreground.

    Raises:
        VolumeError: If an image of a pair cannot be used.
    """
    try:
        return run.prepare(subject), []
    except VolumeError as error:
        needed = modalities_of(pairs)
        rest = replace(subject, images={name: path for name, path in subject.images.items() if name in needed})
        if rest.images == subject.images:
            raise
        study = run.prepare(rest)
        return study, [f"{subject.key} was read without the contrasts that are not needed: {error}."]
