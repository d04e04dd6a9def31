"""Data: files to volumes, volumes to studies of subjects, studies to batches."""
