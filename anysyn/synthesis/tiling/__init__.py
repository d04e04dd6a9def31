"""A volume in tiles: their batches, and how their answers are blended."""
