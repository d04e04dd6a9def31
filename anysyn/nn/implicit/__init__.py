"""Answers at any place: LIIF and trilinear blending of the corners of a cell."""
