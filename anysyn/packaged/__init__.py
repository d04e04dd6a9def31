"""Packaged runs: trained networks that come with anysyn, found by name and read without torch."""
