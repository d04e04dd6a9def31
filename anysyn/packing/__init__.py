"""Packing: a run folder made into a packaged run that can be shared."""
