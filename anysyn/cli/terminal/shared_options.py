"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anysyn.cli.terminal.hidden_names import noted

RUN = "Run folder, the name of a run that comes with anysyn, or hf://OWNER/NAME."
Run = Annotated[Path, typer.Argument(help=RUN, show_default=False, callback=noted)]
Overrides = Annotated[list[str] | None, typer.Argument(help="path.to.key=value ...", show_default=False)]
Device = Annotated[str, typer.Option(help="auto, cpu, gpu or mps.")]
Devices = Annotated[str, typer.Option(help="How many devices; under torchrun its processes decide.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Allow replacing what is there.")]
Headers = Annotated[bool, typer.Option("--headers", help="Of scans that are prepared: trust headers, register none.")]
Anyway = Annotated[bool, typer.Option("--anyway", help="Also if the run does not suit the scans (anysyn check).")]
CacheFolder = Annotated[Path | None, typer.Option("--cache", help="Folder of prepared images; .cache/anysyn at home.")]
Dataset = Annotated[str | None, typer.Option(help="Treat inputs as this training dataset, or as their mean.")]
FILTER = 'JSON of files to use where BIDS has several of a contrast: {"T1w": {"acq": "highres"}}.'
BidsFilter = Annotated[Path | None, typer.Option("--bids-filter-file", help=FILTER)]
Data = Annotated[Path | None, typer.Option(help="Cohort; the one of the training by default.")]
SplitName = Annotated[str, typer.Option("--split", help="train, validation, test or all.")]
Results = Annotated[Path | None, typer.Option("--out", help="Folder of the results; RUN/evaluation by default.")]
Jobs = Annotated[int, typer.Option(help="Processes side by side.", min=1)]
Precision = Annotated[str | None, typer.Option(help="32-true, bf16-mixed or 16-mixed; the recipe's by default.")]
JobsOrArray = Annotated[str, typer.Option(help="2: processes; 50@slurm,partition=gpu,hours=2: an array of jobs.")]
BatchSize = Annotated[int, typer.Option(help="Slices or patches at once: bounds the memory.", min=1)]
