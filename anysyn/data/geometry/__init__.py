"""Voxel grids, boxes of voxels, and resampling from one grid to another. Start in `grid.py`."""
