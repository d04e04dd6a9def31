"""How an image was acquired: the record of its settings, and the prompt that says them in words."""

from anysyn.acquisition.record import Acquisition

__all__ = ["Acquisition"]
