"""The run folder: its places, small records, checkpoints and logs, and a run by its name. Start in `folder.py`."""
