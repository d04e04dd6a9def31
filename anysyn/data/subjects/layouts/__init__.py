"""Layouts of data sets: BIDS, nnU-Net, folders of people and visits, one flat folder. Start in `../find.py`."""
