"""From prepared studies to batches: cache, samples, augmentation, batch order."""
