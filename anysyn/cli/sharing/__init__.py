"""The commands that share a run: packed, exported, listed, cited."""
