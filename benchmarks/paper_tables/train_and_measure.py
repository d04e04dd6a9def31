"""The work of a job: train a model unless it is finished, then measure it."""

from __future__ import annotations

import re
import resource
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from anysyn import build
from anysyn.errors import explain
from anysyn.evaluation.timing import device_name
from anysyn.files import write_text
from anysyn.progress import Progress
from anysyn.recipe import Recipe
from anysyn.synthesis import load_run
from anysyn.training import fit
from anysyn.training.run_folder.folder import RunFolder
from paper_tables.measurements import measured
from paper_tables.store import fail, finish, finished, locked

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")  # on Linux


def train_and_measure(job: Mapping[str, Any], *, accelerator: str = "auto", progress: Progress | None = None) -> bool:
    """Train a model and measure it, without repeating finished work.

    Args:
        job: ``run`` and ``recipe``, the folder and the recipe of the model; ``cells``, folder and question of each
            measurement.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        progress: Shows the progress.

    Returns:
        Whether all of it is finished. A failed folder has a file with its error.
    """
    shown, run = progress or Progress(), Path(job["run"])
    with locked(run.with_suffix(".lock")):
        cells = [(Path(cell["folder"]), cell["question"]) for cell in job["cells"]]
        left = [cell for cell in cells if not finished(cell[0])]
        if not finished(run):
            with _noted(run):
                _train(run, job["recipe"], accelerator, shown)
        if not finished(run):
            return False
        for folder, question in left:
            with _noted(folder):
                _measure(run, folder, question, accelerator, shown)
    return all(finished(folder) for folder, _ in cells)


@contextmanager
def _noted(folder: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        traceback.print_exc()
        fail(folder, " ".join(explain(error) or [f"{type(error).__name__}: {error}"]))


def _train(folder: Path, recipe: Mapping[str, Any], accelerator: str, progress: Progress) -> None:
    began, run = Spent(), folder / "run"
    resumed = (RunFolder(run).checkpoints / "last").is_file()
    written = folder / "recipe.yaml"
    write_text(written, yaml.safe_dump(dict(recipe), sort_keys=False, allow_unicode=True, width=120))
    if resumed:
        fit.resume(run, accelerator=accelerator, devices=1, progress=progress)
    else:
        options: dict[str, Any] = {"accelerator": accelerator, "devices": 1, "progress": progress}
        fit.train(written, out=run, overwrite=True, untrained=True, **options)  # a copy learns nothing
    checked = build.load(run / "recipe.yaml", lay_out=False)
    finish(folder, {"parameters": _parameters(checked), "resumed": resumed, **began.so_far()})


def _parameters(recipe: Recipe) -> dict[str, dict[str, int]]:
    """Return the parameters of each part: all, and those for one source and one target."""
    counts = {}
    for name, part in build.parts(recipe).items():
        others = _of_others(part, recipe.parts[name], len(recipe.modalities))
        counts[name] = {"all": _size(part), "one": _size(part) - others}
    return counts


def _of_others(part: nn.Module, spec: Any, modalities: int) -> int:
    """Return the parameters of ``per_modality`` networks that belong to the other modalities."""
    apart = [key for key, inner in spec.items() if isinstance(inner, Mapping) and inner.get("name") == "per_modality"]
    networks = [module for module in (getattr(part, key, part) for key in apart) if isinstance(module, nn.Module)]
    return sum(map(_size, networks)) * (modalities - 1) // modalities


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _measure(run: Path, folder: Path, question: Mapping[str, Any], accelerator: str, progress: Progress) -> None:
    began = Spent()
    loaded = load_run(run / "run", accelerator=accelerator)
    result = measured(loaded, question, folder, progress)
    write_text(folder / "cases.csv", result.cases.to_csv(index=False))
    failures = [{"subject": failure.key, "reason": failure.reason} for failure in result.failures]
    device = device_name(loaded.hardware.device)
    finish(folder, {"question": dict(question), "failures": failures, "device": device, **began.so_far()})


class Spent:
    """Time and memory of this process since a start."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        if RESET.exists():
            RESET.write_text("5")  # the peak starts again from what is resident now
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()

    def so_far(self) -> dict[str, float]:
        """Return seconds, CPU seconds, and the peak memory in MiB, libraries included."""
        spent = {"seconds": time.perf_counter() - self._wall, "cpu_seconds": time.process_time() - self._cpu}
        spent["memory_mib"] = _peak()
        if torch.cuda.is_available():
            spent["gpu_memory_mib"] = torch.cuda.max_memory_allocated() / 1024**2
        return spent


def _peak() -> float:
    if STATUS.exists() and (match := re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())):
        return int(match[1]) / 1024
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
