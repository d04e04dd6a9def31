"""The unit of an image's voxels: stated or concluded from the intensities; and the way to that of the modality table."""
