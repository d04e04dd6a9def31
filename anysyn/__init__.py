"""Any-to-any medical image synthesis: the verbs of the command line as functions, and the records they work with.

Each is imported when it is first used, so that ``import anysyn`` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anysyn.acquisition import Acquisition
    from anysyn.data.records import Subject
    from anysyn.evaluation.evaluate import evaluate
    from anysyn.evaluation.metrics.metrics import Metric
    from anysyn.evaluation.metrics.protocol import Protocol
    from anysyn.evaluation.pairs import Pair
    from anysyn.probes.ask import probe
    from anysyn.recipe import Recipe
    from anysyn.registry import register
    from anysyn.reporting import report
    from anysyn.simulation import simulate, simulate_like
    from anysyn.synthesis import complete, load_run, synthesize
    from anysyn.training import adapt, resume, train
    from anysyn.types import Batch, Query

__version__ = version("anysyn")
__all__ = [
    "Acquisition",
    "Batch",
    "Metric",
    "Pair",
    "Protocol",
    "Query",
    "Recipe",
    "Subject",
    "adapt",
    "complete",
    "evaluate",
    "load_run",
    "probe",
    "register",
    "report",
    "resume",
    "simulate",
    "simulate_like",
    "synthesize",
    "train",
]
_HOMES = {
    "acquisition": "Acquisition",
    "data.records": "Subject",
    "evaluation.evaluate": "evaluate",
    "evaluation.metrics.metrics": "Metric",
    "evaluation.metrics.protocol": "Protocol",
    "evaluation.pairs": "Pair",
    "probes.ask": "probe",
    "recipe": "Recipe",
    "registry": "register",
    "reporting": "report",
    "simulation": "simulate simulate_like",
    "synthesis": "complete load_run synthesize",
    "training": "adapt resume train",
    "types": "Batch Query",
}


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names.split():
            return getattr(import_module(f"anysyn.{module}"), name)
    raise AttributeError(f"module 'anysyn' has no attribute {name!r}; it has {', '.join(__all__)}")
