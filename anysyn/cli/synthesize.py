"""The command that synthesizes an image."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.terminal.from_scans import check_sources, from_scans
from anysyn.cli.terminal.outcome import attempt, print_lines
from anysyn.cli.terminal.scanner_options import acquisition_options
from anysyn.cli.terminal.shared_options import BatchSize, Dataset, Device, Overwrite, Run
from anysyn.cli.terminal.words import numbers, pair


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
    overwrite: Overwrite = False,
    *,
    acquisition: dict[str, Any],
) -> None:
    """Synthesize what is missing from the scans that are there, with the requested acquisition."""
    from anysyn.synthesis import acquisition_of, load_run
    from anysyn.synthesis.from_dicom import synthesize_with_dicom
    from anysyn.trust.maps import write_trust
    from anysyn.trust.trusted import read_calibration

    edges = numbers(voxel, "--voxel")
    options: dict[str, Any] = {"dataset": dataset, "batch": batch, "overwrite": overwrite}
    check_sources(source, study, resample_to=resample_to, target_spacing=target_spacing, dicom=dicom, trust=trust)
    if trust and (target_spacing or dicom):
        raise typer.BadParameter(
            "--trust: its maps are on the grid of image files; leave out --target-spacing and --dicom"
        )

    def answer() -> Any:
        wanted = acquisition_of(target_json, voxel_size_mm=edges and tuple(edges), **acquisition)
        if study is not None:
            places = {"targets": target, "out": out, "accelerator": accelerator}
            return from_scans(run, source=study, to=to, jobs=jobs, acquisition=wanted, **places, **options)
        same = options | {"sources": dict(pair(word) for word in source or ()), "resample_to": resample_to}
        same |= {"acquisition": wanted}
        loaded = load_run(run, accelerator=accelerator)
        if trust:
            read_calibration(loaded)  # refused before the synthesis rather than after it
        written = synthesize_with_dicom(
            loaded,
            targets=target,
            out=out,
            dicom=dicom,
            say=lambda line: print_lines([line], err=True),
            spacing=numbers(target_spacing, "--target-spacing"),
            **same,
        )
        maps = write_trust(loaded, syntheses=dict(zip(target, written, strict=True)), **same) if trust else []
        return print_lines(f"{path} (synthetic, not for clinical use)" for path in (*written, *maps))

    attempt(answer)
