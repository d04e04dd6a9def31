"""Do frozen features of an encoder tell the stage of a disease? Begin in evaluate.py."""

from anysyn.probes.stage_prediction.evaluate import StagePrediction

__all__ = ["StagePrediction"]
