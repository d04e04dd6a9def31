"""What is done to scans: the options of a preparation, which its record keeps."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from anysyn.data.modalities import modality


@dataclass(frozen=True, kw_only=True)
class Steps:
    """What is done to the scans of each person.

    Args:
        to: Modality in whose world they are brought together; by default the first that the person has.
        brain: Whether all but the brain is removed.
        bias: Whether the bias field of MRI is removed.
        headers: Whether scans lie where their headers say, and are not registered.
        spacing: Edge of the voxels in mm; by default those of the reference.

    Example:
        >>> Steps(to="t1", spacing=1.0).record()
        {'to': 'T1w', 'brain': False, 'bias': False, 'headers': False, 'spacing': 1.0}
    """

    to: str | None = None
    brain: bool = False
    bias: bool = False
    headers: bool = False
    spacing: float | None = None

    def record(self) -> dict[str, Any]:
        """Return them as JSON."""
        return {**asdict(self), "to": None if self.to is None else modality(self.to).name}
