"""The error of an evaluation that cannot be done."""

from __future__ import annotations

from anysyn.errors import UserError


class EvaluationError(UserError):
    """The reason why an evaluation cannot be done, in one line."""
