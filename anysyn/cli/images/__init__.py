"""The commands about images and people: what is read of a folder, preparing, simulating, the cache."""
