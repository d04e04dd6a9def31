"""What the name of a modality says of an acquisition."""

from __future__ import annotations

from dataclasses import replace

from anysyn.acquisition import Acquisition
from anysyn.data.modalities import tracer_of


def named(record: Acquisition | None, name: str) -> Acquisition:
    """Return a record as that of a modality, with the tracer that the name of a PET says where the record does not.

    Args:
        record: What is known; None for nothing.
        name: The modality.

    Example:
        >>> named(None, "FDG-PET").known(), named(Acquisition(kvp=120.0), "CT").known()
        ({'modality': 'FDG-PET', 'tracer': 'FDG'}, {'modality': 'CT', 'kvp': 120.0})
    """
    known = record or Acquisition()
    return replace(known, modality=name, tracer=known.tracer or tracer_of(name))
