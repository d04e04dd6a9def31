"""Does an encoder compute the same features of a place from every modality? Begin in evaluate.py."""

from anysyn.probes.content.evaluate import Content

__all__ = ["Content"]
