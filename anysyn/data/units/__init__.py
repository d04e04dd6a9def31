"""The unit of the voxels: stated or concluded from the intensities, and brought to that of the modality table."""
