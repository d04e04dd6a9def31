"""Implicit functions, which have a value at any point: LIIF and trilinear interpolation. Start in `liif.py`."""
