"""The command that synthesizes an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.terminal.outcome import attempt, print_lines
from anysyn.cli.terminal.scanner_options import acquisition_options
from anysyn.cli.terminal.shared_options import BatchSize, Dataset, Device, Overwrite, Run
from anysyn.cli.terminal.words import numbers, pair


@acquisition_options("Requested")
def synthesize(
    run: Run,
    source: Annotated[list[str], typer.Option(help="T1w=t1.nii.gz; repeat for more sources.")],
    target: Annotated[list[str], typer.Option(help="Modality to synthesize; repeat for more.")],
    out: Annotated[Path, typer.Option(help="File (.nii.gz, .mha, .nrrd, .mgz); with several targets, a folder.")],
    resample_to: Annotated[str | None, typer.Option(help="Source whose grid the others are resampled to.")] = None,
    target_spacing: Annotated[str | None, typer.Option(help="Voxel size in mm, for example 0.8,0.8,1.2.")] = None,
    target_json: Annotated[Path | None, typer.Option(help="Requested acquisition as a BIDS JSON.")] = None,
    voxel: Annotated[str | None, typer.Option(help="Requested voxel size; has to be that of the output.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Maps of the expected error beside each image.")] = False,
    dataset: Dataset = None,
    batch: BatchSize = 8,
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
    *,
    acquisition: dict[str, Any],
) -> None:
    """Synthesize what is missing from the scans that are there, with the requested acquisition."""
    from anysyn.synthesis import acquisition_of, load_run
    from anysyn.synthesis import synthesize as synthesize_images
    from anysyn.trust.maps import write_trust
    from anysyn.trust.trusted import read_calibration

    edges = numbers(voxel, "--voxel")
    if trust and target_spacing:
        raise typer.BadParameter("--trust: its maps are on the grid of the sources; leave out --target-spacing")

    def answer() -> None:
        loaded = load_run(run, accelerator=accelerator)
        if trust:
            read_calibration(loaded)  # refused before the synthesis rather than after it
        files: dict[str, Any] = dict(pair(word) for word in source)
        asked = acquisition_of(target_json, voxel_size_mm=edges and tuple(edges), **acquisition)
        same: dict[str, Any] = {"resample_to": resample_to, "acquisition": asked, "dataset": dataset}
        same |= {"batch": batch, "overwrite": overwrite, "sources": files}
        spacing = numbers(target_spacing, "--target-spacing")
        written = synthesize_images(loaded, targets=target, out=out, spacing=spacing, **same)
        maps = write_trust(loaded, syntheses=dict(zip(target, written, strict=True)), **same) if trust else []
        print_lines(f"{path} (synthetic, not for clinical use)" for path in (*written, *maps))

    attempt(answer)
