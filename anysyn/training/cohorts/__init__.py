"""The cohort of a run: which subjects a recipe and its stages use, prepared and recorded. Start in `cohort.py`."""
