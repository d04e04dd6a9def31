"""What the papers' tables are made with: read, planned, trained, measured, laid out and written."""
