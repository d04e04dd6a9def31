"""The bias field of an MRI: N4 of SimpleITK, estimated on coarse voxels."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from anysyn.data.errors import VolumeError
from anysyn.data.geometry.grid import Grid, resample, with_spacing
from anysyn.data.geometry.itk_resampling import itk_image
from anysyn.data.modalities import modality
from anysyn.scans.registration.search import one_thread

COARSE_MM = 4.0
ITERATIONS = (50, 50, 30)


def has_bias(name: str) -> bool:
    """Tell whether images of a modality have a bias field: MRI in the scanner's own scale.

    Example:
        >>> has_bias("T1w"), has_bias("ADC"), has_bias("CT")
        (True, False, False)
    """
    return modality(name).unit == "arbitrary"


def bias_field(image: Tensor, grid: Grid, inside: Tensor) -> Tensor:
    """Estimate the bias field of an MRI with N4 (Tustison et al., IEEE TMI 2010) on 4 mm voxels.

    Args:
        image: (X, Y, Z) float32.
        grid: Its grid.
        inside: (X, Y, Z) bool, the brain or head.

    Returns:
        (X, Y, Z) float32, above 0, of mean logarithm 0 inside; the image divided by it has no bias.

    Raises:
        VolumeError: If there are too few voxels to estimate it from.

    Example:
        >>> image = 100 * torch.linspace(0.8, 1.2, 32).reshape(32, 1, 1).repeat(1, 32, 32)
        >>> field = bias_field(image, Grid((32, 32, 32), np.diag([4.0, 4, 4, 1])), image > 0)
        >>> bool((image / field).std() < 0.3 * image.std())
        True
    """
    import SimpleITK as sitk  # noqa: N813 - here: 100 MB, which a scan that is not prepared does without

    onto = with_spacing(grid, tuple(max(edge, COARSE_MM) for edge in grid.spacing))  # type: ignore[arg-type]
    coarse = resample(image, grid, onto)
    mask = (resample(inside.float(), grid, onto) > 0.5) & (coarse > 0)
    if int(mask.sum()) < 100:
        raise VolumeError("has too few bright voxels to estimate a bias field from; prepare it without --bias")
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(ITERATIONS)
    with one_thread():
        n4.Execute(
            itk_image(coarse.numpy(), onto.affine),
            sitk.Cast(itk_image(mask.numpy().astype(np.uint8), onto.affine), sitk.sitkUInt8),
        )
        log = n4.GetLogBiasFieldAsImage(itk_image(image.numpy(), grid.affine))
    field = torch.from_numpy(np.ascontiguousarray(sitk.GetArrayFromImage(log).transpose(2, 1, 0))).float()  # (X, Y, Z)
    return torch.exp(field - field[inside].mean())
