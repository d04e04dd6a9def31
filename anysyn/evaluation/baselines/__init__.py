"""Baselines of a model: the source copied, and a voxelwise regression."""
