"""Many small subjects through `complete` with one process and with several."""

from __future__ import annotations

import hashlib
import resource
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from side_by_side.made_volumes import tiny_training, write_subjects


def digest_of(folder: Path) -> str:
    """Return what two folders with the same files have in common.

    Args:
        folder: The folder.
    """
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        whole.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return whole.hexdigest()


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of those that it started and that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def command(
    subjects: Annotated[int, typer.Option(help="Made subjects that lack a contrast.")] = 200,
    side: Annotated[int, typer.Option(help="Voxels of a volume along each axis.")] = 48,
    jobs: Annotated[list[int] | None, typer.Option(help="Processes; repeatable.")] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Complete made subjects with 1 and 2 processes: seconds, and whether the files are the same."""
    from anysyn.synthesis import complete

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        run = tiny_training(write_subjects(folder / "whole", 4, side), folder / "run")
        data, digests = write_subjects(folder / "half", subjects, side, lacks="T2w"), set[str]()
        for count in jobs or (1, 2):
            wall, cpu = time.perf_counter(), cpu_seconds()
            out = folder / f"out-{count}"
            options: dict[str, Any] = {"jobs": count, "accelerator": device, "anyway": True}
            done = complete(run, data=data, out=out, **options)
            wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
            digests.add(digest_of(out))
            print(f"{count} jobs: {len(done.written)} images, {wall:.1f} s by the clock, {cpu:.1f} CPU s")
        print("the files are the same to the bit" if len(digests) == 1 else "the files differ")
