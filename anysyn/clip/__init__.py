"""CLIP: an image tower and a text tower that embed in one space (Radford et al., ICML 2021)."""

from anysyn.clip.checkpoint import pretrained_clip
from anysyn.clip.classify import classify, classify_texts, modality_logits
from anysyn.clip.medclip import medclip
from anysyn.clip.model import Clip
from anysyn.clip.open_clip import open_clip_model
from anysyn.clip.scratch import clip_from_scratch
from anysyn.clip.text_tower import clip_text
from anysyn.clip.volumes import clip_3d

__all__ = [
    "Clip",
    "classify",
    "classify_texts",
    "clip_3d",
    "clip_from_scratch",
    "clip_text",
    "medclip",
    "modality_logits",
    "open_clip_model",
    "pretrained_clip",
]
