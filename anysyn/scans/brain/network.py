"""The network deepbet, whose wheel holds its weights (MIT licence); an extra, ``anysyn[brain]``."""

from __future__ import annotations

import warnings
from functools import cache
from importlib.util import find_spec
from typing import Any

import nibabel as nib
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anysyn.scans.errors import PreparationError

NAME = "deepbet"
LIKELY = 0.5  # probability from which a voxel counts as brain


def installed() -> bool:
    """Tell whether the extra is there."""
    return find_spec(NAME) is not None


def check_installed() -> None:
    """Raise a `PreparationError` unless the extra is there."""
    if not installed():
        raise PreparationError("brain masks need the package deepbet; install it with: pip install 'anysyn[brain]'")


def segment(image: Tensor, affine: NDArray[np.float64]) -> Tensor:
    """Segment the brain on a T1w with deepbet (Fisch et al., Comput Biol Med 2024), on the CPU.

    Args:
        image: (X, Y, Z) float32.
        affine: (4, 4), voxel to world in mm, RAS+.

    Returns:
        (X, Y, Z) bool.

    Raises:
        PreparationError: If the extra is not there, or no brain is found.
    """
    check_installed()
    turns = nib.io_orientation(affine)
    upright = np.ascontiguousarray(nib.apply_orientation(image.numpy(), turns)).astype(np.float32)
    network = _network()
    try:
        likely = network.run_model(upright) > LIKELY
        brain = network.postprocess(likely)
    except (AssertionError, ValueError, RuntimeError) as error:
        raise PreparationError("deepbet finds no brain; leave brain extraction out, or leave the scan out") from error
    back = nib.orientations.ornt_transform(nib.orientations.axcodes2ornt("RAS"), turns)
    return torch.from_numpy(np.ascontiguousarray(nib.apply_orientation(brain, back)))  # (X, Y, Z)


@cache
def _network() -> Any:
    from deepbet import BrainExtraction

    with warnings.catch_warnings():  # how it loads its weights is going out of use in torch
        warnings.simplefilter("ignore", FutureWarning)
        return BrainExtraction(no_gpu=True)
