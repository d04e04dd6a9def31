"""Synthesis from image files and DICOM, with the maps of trust beside it if they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from anysyn.cli.terminal.outcome import print_lines


def from_files(
    run: Path,
    *,
    targets: list[str],
    out: Path,
    dicom: Path | None,
    spacing: Sequence[float] | None,
    trust: bool,
    anyway: bool,
    accelerator: str,
    precision: Any,
    **options: Any,
) -> None:
    """Synthesize from files, and print what was written.

    Args:
        run: The run folder.
        targets: Modalities to synthesize.
        out: As for `anysyn.synthesize`.
        dicom: Folder for DICOM series; None for none.
        spacing: Voxel size of the output in mm; None for that of the sources.
        trust: Whether maps of trust are written beside each image.
        anyway: As for `anysyn.synthesize`.
        accelerator: As for `anysyn.synthesize`.
        precision: As for `anysyn.synthesize`.
        options: Those that syntheses and their maps share.
    """
    from anysyn.progress import Bar
    from anysyn.synthesis import load_run
    from anysyn.synthesis.from_dicom import synthesize_with_dicom

    loaded = load_run(run, accelerator=accelerator, precision=precision, progress=Bar(err=True))
    asked: dict[str, Any] = {"targets": targets, "out": out, "dicom": dicom, "spacing": spacing, "anyway": anyway}
    asked |= {"beside": trust_maps(loaded, trust)}
    written = synthesize_with_dicom(loaded, say=lambda line: print_lines([line], err=True), **asked, **options)
    print_lines(map(str, _doubts(written)), err=True)
    print_lines(f"{path} (synthetic, not for clinical use)" for path in written)


def _doubts(written: Sequence[Path]) -> list[Any]:
    """Return once what differs between the sources and the training images, by the sidecar of the first image."""
    from anysyn.data.subjects.sidecars import read_sidecar
    from anysyn.data.volumes.formats import sidecar_path
    from anysyn.synthesis.suited import doubts

    first = written[0]
    return list(doubts(first.name, read_sidecar(sidecar_path(first))))


def trust_maps(run: Any, asked: bool) -> list[Any]:
    """Return what writes maps of trust beside syntheses, if they are asked for; a run without a calibration is refused.

    Args:
        run: A run folder, or a loaded run.
        asked: Whether they are asked for.

    Example:
        >>> trust_maps("nowhere", False)
        []
    """
    if not asked:
        return []
    from anysyn.trust.written_maps import TrustMaps

    return [TrustMaps.of(run)]
