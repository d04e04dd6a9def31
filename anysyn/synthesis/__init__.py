"""Synthesis: images from a trained run and source images."""

from anysyn.synthesis.acquisition_request import acquisition_of
from anysyn.synthesis.completion import Completion, complete
from anysyn.synthesis.files import synthesize
from anysyn.synthesis.loaded_run import LoadedRun, load_run

__all__ = ["Completion", "LoadedRun", "acquisition_of", "complete", "load_run", "synthesize"]
