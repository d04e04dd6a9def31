"""Synthesis: images from a trained run and source images."""

from anysyn.synthesis.completion.complete import Completion, complete
from anysyn.synthesis.files import synthesize
from anysyn.synthesis.loaded_run import LoadedRun, load_run
from anysyn.synthesis.requests.acquisition import acquisition_of

__all__ = ["Completion", "LoadedRun", "acquisition_of", "complete", "load_run", "synthesize"]
