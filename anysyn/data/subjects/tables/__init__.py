"""Tables: lists of subjects as CSV or TSV, and a BIDS dataset's participants.tsv."""
