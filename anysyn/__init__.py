"""Any-to-any medical image synthesis: the verbs of the command line as functions, and the records they work with.

Each is imported when it is first used, so that ``import anysyn`` takes no time.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anysyn import metrics as metrics
    from anysyn.acquisition import Acquisition as Acquisition
    from anysyn.arrays import load as load
    from anysyn.arrays.dictionary_transform import Synthesized as Synthesized
    from anysyn.arrays.synthetic_nifti_writer import SyntheticNiftiWriter as SyntheticNiftiWriter
    from anysyn.citations import cite as cite
    from anysyn.data.loading.batches import ModalityConsistent as ModalityConsistent
    from anysyn.data.loading.batches import OnePerClass as OnePerClass
    from anysyn.data.loading.batches import Shuffled as Shuffled
    from anysyn.data.loading.epochs import EpochBatches as EpochBatches
    from anysyn.data.records import Subject as Subject
    from anysyn.data.subjects.find import find_subjects as find_subjects
    from anysyn.errors import UserError as UserError
    from anysyn.evaluation.evaluate import evaluate as evaluate
    from anysyn.evaluation.metrics.metrics import Metric as Metric
    from anysyn.evaluation.metrics.protocol import Protocol as Protocol
    from anysyn.evaluation.pairs import Pair as Pair
    from anysyn.exporting import export as export
    from anysyn.losses.selective import ReconstructionL1 as ReconstructionL1
    from anysyn.losses.selective import SynthesisL1 as SynthesisL1
    from anysyn.objectives.outcome import outcome_of as outcome_of
    from anysyn.packaged.listing import models as models
    from anysyn.packing.pack import pack as pack
    from anysyn.packing.push import push as push
    from anysyn.probes.ask import probe as probe
    from anysyn.queries import ManyToAll as ManyToAll
    from anysyn.queries import ManyToOne as ManyToOne
    from anysyn.queries import OneToOne as OneToOne
    from anysyn.queries import SynthesisCondition as SynthesisCondition
    from anysyn.recipe import Recipe as Recipe
    from anysyn.recipe.code import allow_code as allow_code
    from anysyn.registry import register as register
    from anysyn.reporting import report as report
    from anysyn.scans.prepare import prepare as prepare
    from anysyn.simulation import simulate as simulate
    from anysyn.simulation import simulate_like as simulate_like
    from anysyn.synthesis import complete as complete
    from anysyn.synthesis import load_run as load_run
    from anysyn.synthesis import synthesize as synthesize
    from anysyn.synthesis.suitability_check import check as check
    from anysyn.training.adaptation import adapt as adapt
    from anysyn.training.cohorts.selection import inventory as inventory
    from anysyn.training.fit import resume as resume
    from anysyn.training.fit import train as train
    from anysyn.trust.calibrate import calibrate as calibrate
    from anysyn.trust.written_maps import TrustMaps as TrustMaps
    from anysyn.types import Batch as Batch
    from anysyn.types import Query as Query
    from anysyn.viewer.page import view as view

__version__ = version("anysyn")
_HOMES = {
    "acquisition": "Acquisition",
    "arrays": "load",
    "arrays.dictionary_transform": "Synthesized",
    "arrays.synthetic_nifti_writer": "SyntheticNiftiWriter",
    "citations": "cite",
    "data.loading.batches": "ModalityConsistent OnePerClass Shuffled",
    "data.loading.epochs": "EpochBatches",
    "data.records": "Subject",
    "data.subjects.find": "find_subjects",
    "errors": "UserError",
    "evaluation.evaluate": "evaluate",
    "evaluation.metrics.metrics": "Metric",
    "evaluation.metrics.protocol": "Protocol",
    "evaluation.pairs": "Pair",
    "exporting": "export",
    "losses.selective": "ReconstructionL1 SynthesisL1",
    "objectives.outcome": "outcome_of",
    "packaged.listing": "models",
    "packing.pack": "pack",
    "packing.push": "push",
    "probes.ask": "probe",
    "queries": "ManyToAll ManyToOne OneToOne SynthesisCondition",
    "recipe": "Recipe",
    "recipe.code": "allow_code",
    "registry": "register",
    "reporting": "report",
    "scans.prepare": "prepare",
    "simulation": "simulate simulate_like",
    "synthesis": "complete load_run synthesize",
    "synthesis.suitability_check": "check",
    "training.adaptation": "adapt",
    "training.fit": "resume train",
    "training.cohorts.selection": "inventory",
    "trust.calibrate": "calibrate",
    "trust.written_maps": "TrustMaps",
    "types": "Batch Query",
    "viewer.page": "view",
}
_MODULES = ("metrics",)
__all__ = sorted([*_MODULES, *(name for names in _HOMES.values() for name in names.split())])


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"anysyn.{name}")
    for module, names in _HOMES.items():
        if name in names.split():
            return getattr(import_module(f"anysyn.{module}"), name)
    raise AttributeError(f"module 'anysyn' has no attribute {name!r}; it has {', '.join(__all__)}")
