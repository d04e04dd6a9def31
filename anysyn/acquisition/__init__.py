"""How an image was acquired: the record of its settings, and the prompt that writes them as text."""

from anysyn.acquisition.record import Acquisition

__all__ = ["Acquisition"]
