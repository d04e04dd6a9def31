"""Brain masks: the network deepbet (extra ``anysyn[brain]``), and a gate on what it finds. Start in `mask.py`."""

from anysyn.scans.brain.mask import BrainMask, brain_mask, segmented_on

__all__ = ["BrainMask", "brain_mask", "segmented_on"]
