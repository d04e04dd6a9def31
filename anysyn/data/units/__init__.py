"""The unit of an image's voxels: stated or told by the intensities, and brought to that of the modality table."""
