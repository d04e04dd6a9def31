"""The subjects of a BIDS dataset, a tree of folders or a table, and their split. Start in `find.py`.

`bids.py`, `folders.py` and `tables/csv_list.py` read the layouts; `several_files.py` chooses among several runs or
files of one modality; `names/` says what a file is by its name.
"""
