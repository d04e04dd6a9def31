"""Where voxels lie: grids, boxes, resampling."""
