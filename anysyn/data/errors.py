"""Errors in a user's data."""

from __future__ import annotations

from anysyn.errors import UserError


class VolumeError(UserError):
    """A volume that cannot be used; the message is one line: the file, what is wrong, the remedy."""


class BlankImageError(VolumeError):
    """An image whose voxels are all the same: a placeholder for one that is absent."""


class SidecarError(UserError):
    """A sidecar that cannot be read; the message is one line."""


class CacheError(UserError):
    """A cache that cannot be written or read; the message is one line with the remedy."""
