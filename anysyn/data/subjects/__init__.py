"""The subjects of a BIDS dataset, a tree of folders or a table, and their split. Start in `find.py`.

`bids.py` chooses among several runs of a modality; `folders.py` and `csv_list.py` read the other layouts.
"""
