"""Does the image-text model find the prompt of an image? Begin in evaluate.py."""

from anysyn.probes.prompt_retrieval.evaluate import PromptRetrieval

__all__ = ["PromptRetrieval"]
