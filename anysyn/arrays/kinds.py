"""The kinds of images in memory, and how an object is recognised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anysyn.arrays.imaging import ItkImages, MghImages, NiftiImages
from anysyn.arrays.kind import Kind, check_affine
from anysyn.arrays.meta_tensors import MetaTensors
from anysyn.arrays.plain import Arrays, Tensors
from anysyn.data.modalities import modality
from anysyn.data.volumes.volume import Volume
from anysyn.errors import UserError

KINDS: tuple[Kind, ...] = (MetaTensors(), Tensors(), Arrays(), NiftiImages(), MghImages(), ItkImages())


def kind_of(image: Any, where: str) -> Kind:
    """Return the kind of an image.

    Args:
        image: Any object.
        where: What it is, for messages.

    Raises:
        UserError: If it is none; the message lists the kinds.

    Example:
        >>> import numpy as np
        >>> kind_of(np.zeros(3), "T1w").name
        'numpy array'
        >>> kind_of("t1.nii.gz", "T1w")
        Traceback (most recent call last):
        anysyn.errors.UserError: T1w: a str is no image in memory; for files there is anysyn.synthesize
    """
    found = next((kind for kind in KINDS if kind.suits(image)), None)
    if found is None:
        remedy = (
            "for files there is anysyn.synthesize"
            if isinstance(image, str) or hasattr(image, "__fspath__")
            else f"hand in one of: {', '.join(kind.name for kind in KINDS)}"
        )
        raise UserError(f"{where}: a {type(image).__name__} is no image in memory; {remedy}")
    return found


def volumes_of(images: Mapping[str, Any], affine: Any = None) -> dict[str, Volume]:
    """Return images as volumes.

    Args:
        images: By canonical name of the modality, of any kind.
        affine: Where the voxels of arrays and tensors lie, (4, 4), for all of them or by modality.

    Raises:
        UserError: If an image is of no kind, is not one image, or has no place or two.

    Example:
        >>> import numpy as np
        >>> volumes_of({"T1w": np.zeros((2, 3, 4))}, np.eye(4))["T1w"].shape
        (2, 3, 4)
    """
    kinds = {name: kind_of(image, name) for name, image in images.items()}
    affines = _affines(affine, [name for name, kind in kinds.items() if not kind.placed])
    return {name: kinds[name].read(image, affines.get(name), name) for name, image in images.items()}


def _affines(affine: Any, arrays: list[str]) -> dict[str, Any]:
    if affine is None:
        return {}
    given = {modality(key).name: one for key, one in affine.items()} if isinstance(affine, Mapping) else None
    idle = not arrays if given is None else sorted(given.keys() - set(arrays))
    if idle:
        raise UserError(
            f"affine: is for arrays and tensors alone, and {', '.join(idle) if isinstance(idle, list) else 'none'} of "
            "the sources is one; images of nibabel, SimpleITK and MONAI say themselves where they lie"
        )
    by_name = dict.fromkeys(arrays, affine) if given is None else given
    return {name: check_affine(one, name) for name, one in by_name.items()}
