"""Shortcuts: what of the sources reaches the answer without passing through the network."""

from anysyn.shortcuts.gain import Gain
from anysyn.shortcuts.shortcut import Shortcut

__all__ = ["Gain", "Shortcut"]
