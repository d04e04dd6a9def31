"""How far to trust a synthesis where the truth is unknown: an expected error and an interval for each voxel.

Start in `maps.py`, which answers for one synthesis, or in `calibrate.py`, which fits what it answers by.
"""
