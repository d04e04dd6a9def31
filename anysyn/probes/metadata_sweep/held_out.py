"""Settings that a training has not seen, though it saw others around them: what a sweep may request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from anysyn.acquisition import Acquisition
from anysyn.acquisition.prompts import short
from anysyn.data.records import Subject
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.scanner_settings import UNITS, Sweep, sequence_of
from anysyn.text.counts import counted


def choose_subjects(
    sweep: Sweep, subjects: Sequence[Subject], trained: Mapping[str, Sequence[Acquisition]]
) -> tuple[list[Subject], list[str]]:
    """Choose the subjects of a sweep, and say why the others are left out.

    The values have to lie inside the range that the training saw of the target, and be none of its own settings.
    Protocols of another sequence do not count: the 20 ms of a gradient echo say nothing of the repetition time of an
    MPRAGE.

    Args:
        sweep: The target, the setting and its values.
        subjects: Those of the split.
        trained: By run, the acquisitions of the target that it was trained on.

    Returns:
        The chosen subjects, and notes on those left out.

    Raises:
        EvaluationError: If none is left; the message says the range that was seen.
    """
    target = sweep.pair.target
    able = [subject for subject in subjects if sweep.pair.within(subject.images)]
    if not able:
        raise EvaluationError(f"sweep {sweep}: no subject has its contrasts")
    sequences = {subject.key: sequence_of(subject.acquisitions.get(target)) for subject in able}
    faults = {
        sequence: next(filter(None, (_fault(sweep, sequence, records) for records in trained.values())), None)
        for sequence in dict.fromkeys(sequences.values())
    }
    chosen = [subject for subject in able if faults[sequences[subject.key]] is None]
    if not chosen:
        raise EvaluationError("; ".join(filter(None, faults.values())))
    counts = Counter(sequences.values())
    left_out = {sequence: counted(counts[sequence], "subject is", "subjects are") for sequence in faults}
    notes = [f"{left_out[sequence]} left out: {fault}." for sequence, fault in faults.items() if fault]
    lacking = len(subjects) - len(able)
    skipped = counted(lacking, "subject lacks a contrast and is", "subjects lack a contrast and are")
    return chosen, [*notes, *([f"{sweep}: {skipped} skipped."] if lacking else [])]


def _fault(sweep: Sweep, sequence: tuple[str, ...], training: Sequence[Acquisition]) -> str | None:
    """Say why a training says nothing of the values; None if it does."""
    target, unit = sweep.pair.target, UNITS[sweep.key]
    seen = sorted(
        value
        for record in training
        if sequence_of(record) == sequence and (value := getattr(record, sweep.field)) is not None
    )
    if not seen:
        with_it = f"with {', '.join(sequence)}" if sequence else "without settings"
        return f"sweep {sweep}: the training saw no {sweep.key} of a {target} {with_it}"
    span = f"{seen[0]:g} to {seen[-1]:g} {unit}"
    outside = [value for value in sweep.values if not seen[0] < value < seen[-1]]
    if outside:
        return (
            f"sweep {sweep}: {_listed(outside)} is not inside what the training saw, {span}; choose values inside, "
            "or train on a cohort of `anysyn simulate --vary`"
        )
    written = set(map(short, seen))  # as a prompt says them, which cannot tell closer values apart
    taken = [value for value in sweep.values if short(value) in written]
    if taken:
        return f"sweep {sweep}: {_listed(taken)} is a setting of the training; choose others between {span}"
    return None


def _listed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
