"""Shortcuts: what of the sources reaches the answer without passing through the network."""

from anysyn.shortcuts.gain import Gain
from anysyn.shortcuts.perceptron import Perceptron
from anysyn.shortcuts.regression import Regression
from anysyn.shortcuts.several import Sum
from anysyn.shortcuts.shortcut import Shortcut

__all__ = ["Gain", "Perceptron", "Regression", "Shortcut", "Sum"]
