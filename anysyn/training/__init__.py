"""Training: stages, steps, checkpoints. Start in `fit.py`, or in `adaptation.py` for new datasets of a trained run.

Synthesis imports parts of this package, and none of Lightning's Fabric, which takes seconds: import from the modules.
"""
