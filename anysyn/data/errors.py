"""What can be wrong with the data of a user."""

from __future__ import annotations

from anysyn.errors import UserError


class VolumeError(UserError):
    """Report a volume that cannot be used, in one line: the file, what is wrong, the remedy."""


class SidecarError(UserError):
    """Report a sidecar that cannot be read, in one line."""


class CacheError(UserError):
    """Report, in one line with the remedy, that the cache cannot be written or read."""
