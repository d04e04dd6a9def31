"""Layers and blocks that the networks are built from: one idea a file. Start in `blocks.py`.

Everywhere ``dimensions`` is the number of voxel axes, 2 or 3, and ``inputs`` and ``outputs`` are numbers of channels.
"""
