"""Errors in the preparation of scans."""

from __future__ import annotations

from anysyn.errors import UserError


class PreparationError(UserError):
    """A scan, a person or a folder that cannot be prepared; the message is one line with the remedy."""
