"""Training: stages, steps, checkpoints."""

from anysyn.training.adaptation import adapt
from anysyn.training.fit import TrainingResult, resume, train

__all__ = ["TrainingResult", "adapt", "resume", "train"]
