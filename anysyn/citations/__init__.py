"""What to cite: the papers of a method, the data of a packaged run, and anysyn."""

from anysyn.citations.cite import Citations, cite

__all__ = ["Citations", "cite"]
