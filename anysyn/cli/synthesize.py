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
    source: Annotated[list[str], typer.Option(help="T1w=t1.nii.gz, or DICOM: T1w=FOLDER; repeat for more.")],
    target: Annotated[list[str], typer.Option(help="Modality to synthesize; repeat for more.")],
    out: Annotated[Path, typer.Option(help="File (.nii.gz, .mha, .nrrd, .mgz); with several targets, a folder.")],
    dicom: Annotated[Path | None, typer.Option(help="Folder for DICOM series, too; sources are DICOM.")] = None,
    resample_to: Annotated[str | None, typer.Option(help="Source whose grid the others are resampled to.")] = None,
    target_spacing: Annotated[str | None, typer.Option(help="Voxel size in mm, for example 0.8,0.8,1.2.")] = None,
    target_json: Annotated[Path | None, typer.Option(help="Requested acquisition as a BIDS JSON.")] = None,
    voxel: Annotated[str | None, typer.Option(help="Requested voxel size; has to be that of the output.")] = None,
    dataset: Dataset = None,
    batch: BatchSize = 8,
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
    *,
    acquisition: dict[str, Any],
) -> None:
    """Synthesize what is missing from the scans that are there, with the requested acquisition."""
    from anysyn.synthesis import acquisition_of
    from anysyn.synthesis.from_dicom import synthesize_with_dicom

    edges = numbers(voxel, "--voxel")

    def answer() -> None:
        written = synthesize_with_dicom(
            run,
            sources=dict(pair(word) for word in source),
            targets=target,
            out=out,
            dicom=dicom,
            say=lambda line: print_lines([line], err=True),
            resample_to=resample_to,
            spacing=numbers(target_spacing, "--target-spacing"),
            acquisition=acquisition_of(target_json, voxel_size_mm=edges and tuple(edges), **acquisition),
            dataset=dataset,
            batch=batch,
            accelerator=accelerator,
            overwrite=overwrite,
        )
        print_lines(f"{path} (synthetic, not for clinical use)" for path in written)

    attempt(answer)
