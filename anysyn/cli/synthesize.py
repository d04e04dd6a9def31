"""The command that synthesizes an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.from_files import from_files
from anysyn.cli.terminal.from_scans import check_sources, from_scans
from anysyn.cli.terminal.outcome import attempt
from anysyn.cli.terminal.scanner_options import acquisition_options
from anysyn.cli.terminal.shared_options import Anyway, BatchSize, Dataset, Device, Headers, Overwrite, Precision, Run
from anysyn.cli.terminal.words import numbers, pair


@allowing_code
@acquisition_options("Requested")
def synthesize(
    run: Run,
    target: Annotated[list[str], typer.Option(help="Modality to synthesize; repeat for more.")],
    out: Annotated[Path, typer.Option(help="File (.nii.gz, .mha, .nrrd, .mgz); with several targets, a folder.")],
    source: Annotated[
        list[str] | None, typer.Option(help="T1w=t1.nii.gz, or DICOM: T1w=FOLDER; repeat for more.")
    ] = None,
    study: Annotated[Path | None, typer.Option(help="Instead: scans as they come, prepared as the run's were.")] = None,
    to: Annotated[str | None, typer.Option(help="With --study: contrast whose grid is answered on.")] = None,
    headers: Headers = False,
    jobs: Annotated[int, typer.Option(help="With --study: processes that prepare.", min=1)] = 1,
    dicom: Annotated[Path | None, typer.Option(help="Folder for DICOM series, too; sources are DICOM.")] = None,
    resample_to: Annotated[str | None, typer.Option(help="Source whose grid the others are resampled to.")] = None,
    target_spacing: Annotated[str | None, typer.Option(help="Voxel size in mm, for example 0.8,0.8,1.2.")] = None,
    target_json: Annotated[Path | None, typer.Option(help="Requested acquisition as a BIDS JSON.")] = None,
    voxel: Annotated[str | None, typer.Option(help="Requested voxel size; has to be that of the output.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Maps of the expected error beside each image.")] = False,
    dataset: Dataset = None,
    batch: BatchSize = 8,
    accelerator: Device = "auto",
    precision: Precision = None,
    overwrite: Overwrite = False,
    anyway: Anyway = False,
    *,
    acquisition: dict[str, Any],
) -> None:
    """Synthesize what is missing from the scans that are there, with the requested acquisition."""
    from anysyn.synthesis import acquisition_of

    edges = numbers(voxel, "--voxel")
    options: dict[str, Any] = {"dataset": dataset, "batch": batch, "accelerator": accelerator, "overwrite": overwrite}
    options |= {"targets": target, "out": out, "anyway": anyway, "precision": precision}
    prepared = {"to": to, "headers": headers, "jobs": jobs > 1}
    check_sources(source, study, prepared, resample_to=resample_to, target_spacing=target_spacing)

    def answer() -> Any:
        options["acquisition"] = acquisition_of(target_json, voxel_size_mm=edges and tuple(edges), **acquisition)
        if study is not None:
            return from_scans(run, source=study, to=to, headers=headers, jobs=jobs, trust=trust, dicom=dicom, **options)
        files: dict[str, Any] = {"sources": dict(pair(word) for word in source or ()), "resample_to": resample_to}
        spacing = numbers(target_spacing, "--target-spacing")
        return from_files(run, dicom=dicom, spacing=spacing, trust=trust, **files, **options)

    attempt(answer)
