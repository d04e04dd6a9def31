"""Memory and time of `train` and `complete` for few subjects and for many."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from side_by_side.cost import alone, measured, resident
from side_by_side.made_volumes import tiny_training, write_subjects

Cost = tuple[float, float, float]  # CPU seconds; MiB resident at the most; of these the process's own at the end


def training(folder: Path) -> Cost:
    """Train on the subjects of a folder.

    Args:
        folder: With ``whole``, the subjects; gets the run.
    """
    return _cost(lambda: tiny_training(folder / "whole", folder / "run"))


def further_training(folder: Path) -> Cost:
    """Train once more on subjects that are prepared, so that what preparing leaves behind in memory does not count.

    Args:
        folder: As `training` left it; gets a second run.
    """
    return _cost(lambda: tiny_training(folder / "whole", folder / "again"))


def completion(folder: Path) -> Cost:
    """Complete the subjects of a folder, of one contrast.

    Args:
        folder: With ``run``, and ``half``, the subjects.
    """
    from anysyn.synthesis import complete

    options: dict[str, Any] = {"data": folder / "half", "out": folder / "out", "accelerator": "cpu", "anyway": True}
    return _cost(lambda: complete(folder / "run", **options))


def _cost(call: Callable[[], Any]) -> Cost:
    done = measured(call)
    return done.seconds, resident("VmHWM"), resident("RssAnon")


def command(
    counts: Annotated[list[int] | None, typer.Option("--subjects", help="How many; repeatable.")] = None,
    side: Annotated[int, typer.Option(help="Voxels of a volume along each axis.")] = 64,
) -> None:
    """Train on made subjects, train again now that they are prepared, and complete as many, each in a fresh process."""
    for count in counts or (50, 500):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write_subjects(folder / "whole", count, side)
            write_subjects(folder / "half", count, side, lacks="T2w")
            for title, form in (("train", training), ("prepared", further_training), ("complete", completion)):
                seconds, peak, own = alone(form, folder)
                each = f"{seconds / count:.3f} CPU s a subject"
                print(f"{title:<9}{count:>4} subjects of {side}^3: {each}, {peak:.0f} MiB at the most, {own:.0f} own")
