"""Does an image-text model recognize modalities? Begin in evaluate.py."""

from anysyn.probes.modality_accuracy.evaluate import ModalityAccuracy

__all__ = ["ModalityAccuracy"]
