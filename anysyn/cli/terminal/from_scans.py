"""Synthesis from scans as they come, which two commands offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from anysyn.cli.terminal.from_files import trust_maps
from anysyn.cli.terminal.outcome import printed


def from_scans(run: Path, *, trust: bool, accelerator: str, precision: Any = None, **options: Any) -> Any:
    """Prepare scans, synthesize from them, and print what was written.

    Args:
        run: The run folder.
        trust: Whether maps of trust are written beside each image.
        accelerator: As for `anysyn.synthesize`.
        precision: As for `anysyn.synthesize`.
        options: Others of `anysyn.synthesis.scans.synthesize_scans`.
    """
    from anysyn.progress import Bar
    from anysyn.synthesis import load_run
    from anysyn.synthesis.scans import synthesize_scans

    loaded = load_run(run, accelerator=accelerator, precision=precision)
    return printed(synthesize_scans(loaded, progress=Bar(), beside=trust_maps(loaded, trust), **options))


def check_sources(
    source: Sequence[str] | None, study: Path | None, prepared: Mapping[str, object] | None = None, **alone: object
) -> None:
    """Refuse sources that are named in two ways or in none, and options that mean nothing for sources of that kind.

    Args:
        source: Files that are named one by one.
        study: A folder of scans to be prepared.
        prepared: Options that go with such a folder alone, by name.
        alone: Options that go with files alone, by name.

    Raises:
        typer.BadParameter: If so.

    Example:
        >>> check_sources(["T1w=t1.nii.gz"], None, resample_to="T1w")
    """
    if study is None:
        if not source:
            raise typer.BadParameter("name the sources, --source T1w=t1.nii.gz, or a folder of scans, --study")
        if given := _given(prepared or {}):
            raise typer.BadParameter(f"{given}: for scans that are prepared; name them by --study, or leave it out")
    elif given := _given({"source": source, **alone}):
        raise typer.BadParameter(f"{given}: not with scans that are prepared; leave it out")


def _given(options: Mapping[str, object]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name, value in options.items() if value)
