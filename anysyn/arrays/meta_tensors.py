"""MONAI's tensors, which know where they lie and which file they are from."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from anysyn.arrays.kind import Kind, check_affine, same_place
from anysyn.arrays.plain import LPS, checked, leading, voxels_of
from anysyn.data.volumes.volume import Volume
from anysyn.synthesis.notice import MARK

OF_THE_VOXELS = {  # what a header says of the intensities of the source, and of how they were acquired
    *("datatype", "bitpix", "scl_slope", "scl_inter", "cal_min", "cal_max", "glmin", "glmax", "descrip", "saved_to"),
    *("intent_code", "intent_name", "intent_p1", "intent_p2", "intent_p3", "slice_duration", "toffset"),
}
ACQUIRED = "0018"  # group of the tags of DICOM that say how


class MetaTensors(Kind):
    """monai.data.MetaTensor, channel first or not; MONAI is not imported for it.

    Example:
        >>> MetaTensors().suits(torch.zeros(2))
        False
    """

    name = "MONAI MetaTensor"

    def suits(self, image: Any) -> bool:
        """Tell whether it is a tensor with an affine and with notes."""
        return isinstance(image, Tensor) and hasattr(image, "affine") and isinstance(getattr(image, "meta", None), dict)

    def read(self, image: Any, affine: NDArray[Any] | None, where: str) -> Volume:
        """Return it as a volume."""
        voxels = voxels_of(image.as_tensor(), where)
        own = check_affine(torch.as_tensor(image.affine), where)
        return Volume(voxels, checked(LPS @ own if _is_lps(image) else own, where))

    def like(self, image: Any, read: Volume, made: Volume) -> Any:
        """Return one with the same axes, affine and world, and with the notes of the source.

        The notes keep the file and the place, by which `SaveImage` names and places what it writes; those about the
        intensities of the source and about its acquisition go, and the description says that it is synthetic. On the
        grid of the source it keeps the transforms that led to it, too, so that their inverse leads back.
        """
        answer = type(image)(leading(image, made.voxels).to(image.device))
        answer.meta = deepcopy({key: note for key, note in image.meta.items() if _is_kept(key)})
        answer.meta["description"] = MARK
        answer.is_batch = image.is_batch  # what a loader made of one image is taken apart again as it was
        if same_place(read, made):
            answer.affine = torch.as_tensor(image.affine).clone()
            answer.applied_operations = deepcopy(image.applied_operations)
        else:
            moved = torch.from_numpy(LPS @ made.affine if _is_lps(image) else made.affine)
            answer.affine = moved.to(image.affine.dtype).reshape(image.affine.shape)
            answer.meta.pop("pixdim", None)
        return answer


def _is_kept(key: Any) -> bool:
    return str(key) not in OF_THE_VOXELS and not str(key).startswith(ACQUIRED)


def _is_lps(image: Any) -> bool:
    space = image.meta.get("space")
    first = space[0] if isinstance(space, list | tuple) and space else space  # a list in what a loader collated
    return str(getattr(first, "value", first)) == "LPS"
