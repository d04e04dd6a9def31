"""Any-to-any medical image synthesis: the verbs of the command line as functions, imported when first used."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anysyn.evaluation.evaluate import evaluate
    from anysyn.reporting import report
    from anysyn.simulation import simulate, simulate_like
    from anysyn.synthesis import complete, load_run, synthesize
    from anysyn.training import adapt, resume, train

__version__ = version("anysyn")
_HOMES = {
    "adapt": "training",
    "complete": "synthesis",
    "evaluate": "evaluation.evaluate",
    "load_run": "synthesis",
    "report": "reporting",
    "resume": "training",
    "simulate": "simulation",
    "simulate_like": "simulation",
    "synthesize": "synthesis",
    "train": "training",
}
__all__ = [
    "adapt",
    "complete",
    "evaluate",
    "load_run",
    "report",
    "resume",
    "simulate",
    "simulate_like",
    "synthesize",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'anysyn' has no attribute {name!r}")
    return getattr(import_module(f"anysyn.{_HOMES[name]}"), name)
