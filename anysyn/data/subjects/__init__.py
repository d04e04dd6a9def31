"""Which subjects a folder, a BIDS dataset or a CSV file holds, and how they are split."""
