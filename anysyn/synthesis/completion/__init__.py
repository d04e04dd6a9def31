"""Completion: the contrasts that subjects lack, synthesized from those that they have. Start in `complete.py`."""
