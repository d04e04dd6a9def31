"""Discriminators score how real an image looks, patch by patch or as a whole. Start in `patchgan.py`."""

from anysyn.discriminators.canvas import CanvasPatchGAN
from anysyn.discriminators.patchgan import PatchGAN
from anysyn.discriminators.per_modality import PerModalityDiscriminator, discriminator
from anysyn.discriminators.resnet import ResNetDiscriminator

__all__ = ["CanvasPatchGAN", "PatchGAN", "PerModalityDiscriminator", "ResNetDiscriminator", "discriminator"]
