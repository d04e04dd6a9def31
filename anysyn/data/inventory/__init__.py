"""What was read of a cohort, for people to look at: the table, its summary, and the CSV. Start in `inventory.py`."""
