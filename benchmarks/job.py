"""Train and measure one model of a table, in a process of its own: ``python benchmarks/job.py JOB.json``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from paper_tables.train_and_measure import train_and_measure

from anysyn.progress import Bar


def main() -> None:
    """Do the job that a file describes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", type=Path, help="JSON file, as run.py writes it")
    parser.add_argument("--accelerator", default="auto")
    parser.add_argument("--threads", type=int, default=0, help="of this process; 0: as many as torch takes")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    done = train_and_measure(json.loads(options.job.read_text()), accelerator=options.accelerator, progress=Bar())
    sys.exit(0 if done else 1)


if __name__ == "__main__":
    main()
