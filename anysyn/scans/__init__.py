"""Scans as they come, brought to what networks are trained on: registered, on one grid, without skull.

Start in `prepare.py` (a folder of people) or `chain.py` (one person); `registration/` and `brain/` hold the hard steps,
`way_back.py` the inverse, onto the grid of a scan as it came.
"""
