"""What a command costs until it does its work, beside the imports of torch and MONAI."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from side_by_side.made_volumes import tiny_training, write_subjects

AT_EXIT = """
import atexit, re, time
def cost():
    print("\\ncost", time.process_time(), re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
atexit.register(cost)
"""
FIRST_TILE = """
from anysyn.synthesis.loaded_run import LoadedRun
own = LoadedRun._synthesize
def first(*given):
    own(*given)
    raise SystemExit(0)
LoadedRun._synthesize = first
"""


def started(code: str, *words: str) -> tuple[float, float]:
    """Run Python code in a fresh process; return its CPU seconds and its most memory in MB.

    Args:
        code: The code.
        words: Arguments of the command line.
    """
    done = subprocess.run([sys.executable, "-c", AT_EXIT + code, *words], capture_output=True, text=True)
    costs = [line.split() for line in done.stdout.splitlines() if line.startswith("cost ")]
    if done.returncode or not costs:
        raise RuntimeError(done.stderr)
    return float(costs[-1][1]), int(costs[-1][2]) * 1024 / 1e6


def command(
    rounds: Annotated[int, typer.Option(help="Processes of each kind; the least CPU time counts.")] = 3,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Start in fresh processes: CPU seconds and memory of `anysyn --help` and of `synthesize` to its first tile."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        run = tiny_training(write_subjects(folder / "whole", 4, 48), folder / "run")
        words = ["synthesize", run, "--source", f"T1w={folder / 'whole' / 'sub-000' / 'T1w.nii.gz'}", "--target", "T2w"]
        words += ["--out", folder / "T2w.nii.gz", "--accelerator", device, "--anyway"]
        command_line = "from anysyn.cli import app\napp()"
        kinds = {
            "import torch": ("import torch",),
            "import monai": ("import monai",),
            "import monai.inferers": ("import monai.inferers",),
            "anysyn --help": (command_line, "--help"),
            "synthesize, first tile": (FIRST_TILE + command_line, *map(str, words)),
        }
        for title, kind in kinds.items():
            costs = [started(*kind) for _ in range(rounds)]
            seconds, megabytes = min(costs)
            print(f"{title:<24}{seconds:6.2f} CPU s{megabytes:7.0f} MB")
