"""Layers and blocks that the networks are built from: one idea a file. Start in `blocks.py`."""
