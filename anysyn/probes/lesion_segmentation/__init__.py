"""Does a segmenter of real images find lesions in synthesized ones? Begin in evaluate.py."""

from anysyn.probes.lesion_segmentation.evaluate import LesionSegmentation

__all__ = ["LesionSegmentation"]
