"""What a model is compared with: the source copied, and a voxelwise regression."""
