"""Training: stages, steps, checkpoints."""

from anysyn.training.fit import TrainingResult, resume, train

__all__ = ["TrainingResult", "resume", "train"]
