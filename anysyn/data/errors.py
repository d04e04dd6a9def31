"""Errors in a user's data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from anysyn.errors import UserError


class VolumeError(UserError):
    """A volume that cannot be used; the message is one line: the file, what is wrong, the remedy."""


class GridsDifferError(VolumeError):
    """Images of one subject that lie on different grids; the message is one line."""

    images = ""  # which, with their grids
    onto = ""  # whose grid the others can be resampled to

    @classmethod
    def of(cls, images: str, onto: str, remedy: str) -> GridsDifferError:
        """Return the error.

        Args:
            images: Which images, with their grids.
            onto: Modality whose grid the others can be resampled to.
            remedy: What the user can do.

        Example:
            >>> GridsDifferError.of("T1w and T2w", "T1w", "register them")
            GridsDifferError('T1w and T2w are on different grids; register them')
        """
        error = cls(f"{images} are on different grids; {remedy}")
        error.images, error.onto = images, onto
        return error


class BlankImageError(VolumeError):
    """An image whose voxels are all the same: a placeholder for one that is absent."""


class SidecarError(UserError):
    """A sidecar that cannot be read; the message is one line."""


class CacheError(UserError):
    """A cache that cannot be written or read; the message is one line with the remedy."""


@contextmanager
def about(where: str) -> Iterator[None]:
    """Begin the message of a `VolumeError` with what it is about.

    Example:
        >>> with about("sub-01"):
        ...     raise VolumeError("has no voxels; leave it out")
        Traceback (most recent call last):
        anysyn.data.errors.VolumeError: sub-01: has no voxels; leave it out
    """
    try:
        yield
    except VolumeError as error:
        raise VolumeError(f"{where}: {error}") from error
