"""What is done to sources before a synthesis, from its texts: thick slices, and one corruption."""

from __future__ import annotations

from collections.abc import Sequence

from anysyn.evaluation.errors import EvaluationError


def parse_changes(texts: Sequence[str]) -> tuple[str | None, str | None]:
    """Tell thick slices from a corruption, by whether an axis is named; at most one of each.

    Args:
        texts: ``"axis=2,factor=3,fwhm=2"``, or a corruption with its severity or strength, ``"motion=severe"``.

    Returns:
        The text of the thick slices and that of the corruption, None where there is none.

    Raises:
        EvaluationError: If there are two of a kind.

    Example:
        >>> parse_changes(["motion=severe", "axis=2,factor=3"])
        ('axis=2,factor=3', 'motion=severe')
    """
    thick = [text for text in texts if any(word.strip().startswith("axis=") for word in text.split(","))]
    corruptions = [text for text in texts if text not in thick]
    for kind in (thick, corruptions):
        if len(kind) > 1:
            raise EvaluationError(
                f"--degrade: one of a kind at a time, not {' and '.join(kind)}; anysyn probe robustness takes several"
            )
    return (thick[0] if thick else None), (corruptions[0] if corruptions else None)
