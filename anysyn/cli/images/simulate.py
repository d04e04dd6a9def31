"""The command that simulates a cohort, or one more image of one of its subjects."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.terminal.outcome import attempt
from anysyn.cli.terminal.scanner_options import PERSON, acquisition_options, flags
from anysyn.cli.terminal.words import words


@acquisition_options("With --like", without=["tracer", "manufacturer", *PERSON])
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder of the new cohort; with --like, the NIfTI file to write.")],
    subjects: Annotated[int, typer.Option(help="How many subjects.", min=1)] = 24,
    centres: Annotated[str | None, typer.Option(help="How many centres, or which: E,F. 4 by default.")] = None,
    sites: Annotated[str | None, typer.Option(help="Another name of --centres.", show_default=False)] = None,
    spacing: Annotated[float, typer.Option(help="Voxel size in mm.", min=0.5, max=8)] = 2.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.", min=0)] = 0,
    labels: Annotated[Path | None, typer.Option(help="Folder of FreeSurfer label maps: whole heads.")] = None,
    contrasts: Annotated[str | None, typer.Option(help="T1w,T2w,CT instead of what the centres acquire.")] = None,
    vary: Annotated[bool, typer.Option("--vary", help="TR, TE, TI, flip angle of each from broad ranges.")] = False,
    brain_alone: Annotated[bool, typer.Option("--brain-alone", help="With --labels: without skull and skin.")] = False,
    thickness: Annotated[float | None, typer.Option(help="Of slices in mm, not the centres'.", min=0.1)] = None,
    vary_tissues: Annotated[bool, typer.Option("--vary-tissues", help="T2 of each between two reports.")] = False,
    jobs: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
    like: Annotated[Path | None, typer.Option(help="COHORT/sub-001: one more image of this subject.")] = None,
    target: Annotated[str | None, typer.Option(help="With --like: its modality.")] = None,
    truth: Annotated[bool, typer.Option("--truth", help="With --like: without noise, shading and gain.")] = False,
    *,
    acquisition: dict[str, Any],
) -> None:
    """Simulate a cohort with known truth, or any further acquisition of one of its subjects."""
    from anysyn import simulation
    from anysyn.acquisition import Acquisition
    from anysyn.progress import Bar

    if like is not None:
        requested = Acquisition(modality=target, **acquisition)
        attempt(lambda: simulation.simulate_like(like.parent, like.name, requested, out=out, truth=truth))
        return
    if alone := [*(["--target"] if target else []), *(["--truth"] if truth else []), *flags(acquisition)]:
        raise typer.BadParameter(f"{', '.join(alone)}: that asks for one image: add --like")
    if centres is not None and sites is not None:
        raise typer.BadParameter(f"--centres {centres} and --sites {sites} are one option: leave one of them out")
    chosen = next((text for text in (centres, sites) if text is not None), "4")
    attempt(
        lambda: simulation.simulate(
            out,
            subjects=subjects,
            centres=int(chosen) if chosen.isdecimal() else words(chosen) or (),
            spacing=spacing,
            seed=seed,
            labels=labels,
            contrasts=words(contrasts),
            vary=vary,
            brain_alone=brain_alone,
            thickness=thickness,
            vary_tissues=vary_tissues,
            jobs=jobs,
            progress=Bar(),
        )
    )
