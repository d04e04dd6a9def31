"""Probes: one question about a trained run each, asked of every subject."""
