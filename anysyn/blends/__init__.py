"""Blends: what a synthesizer answers, beside what another part answers from the sources alone."""

from anysyn.blends.blend import Blend
from anysyn.blends.stacked import Stacked

__all__ = ["Blend", "Stacked"]
