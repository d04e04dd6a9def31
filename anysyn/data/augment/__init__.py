"""Augmentation: random changes of training samples. The contract is in `augmentation.py`.

`placement.py` moves all modalities of a sample alike, `appearance.py` changes how each image looks, for
`data.augment_sources`.
"""

from anysyn.data.augment.appearance import Coarse, Contrast, Noise, Shading
from anysyn.data.augment.augmentation import Augmentation
from anysyn.data.augment.placement import Flip, Shift, Turn

__all__ = ["Augmentation", "Coarse", "Contrast", "Flip", "Noise", "Shading", "Shift", "Turn"]
