"""What keeps an evaluation from being done."""

from __future__ import annotations

from anysyn.errors import UserError


class EvaluationError(UserError):
    """Report what keeps an evaluation from being done, in one line."""
