"""CT: Hounsfield units distinguished from shifted, scaled and wrapped ones and from attenuation, by the histogram."""

from __future__ import annotations

from torch import Tensor

from anysyn.data.errors import VolumeError

LEAST_SPAN = 20.0  # HU between the darkest and the brightest voxel; from air to water there are 1000
SOFT = (-200.0, 300.0)  # HU of fat, water, muscle and contrast-filled vessels
SHIFT = 1024.0  # added by scanners and converters that store unsigned numbers
DARK = -200.0  # HU: only air and lung are below
LIKELY_DARK = 0.001  # share of voxels below it from which air is taken to be at -1000
WRAPPED = (32767.0, 65536.0)  # numbers of 16 bits that are negative if they have a sign

REWRITE = (
    "python -c \"import nibabel as n; i = n.load('ct.nii.gz'); "
    "n.Nifti1Image(({}).astype('f4'), i.affine).to_filename('hu.nii.gz')\""
)


def check_hounsfield(image: Tensor, inside: Tensor) -> None:
    """Raise a `VolumeError` with the remedy if a CT cannot be in HU.

    In HU, soft tissue lies from -200 to 300. Shifted by 1024 it lies where hardly any tissue does, and nothing is dark.
    In 17 real CTs, 90 % to 98 % of the foreground is in the soft range and at most 3 % in the shifted one; after
    1024 is added, at most 7 % and at least 86 %. A brain-extracted CT with 0 around it, one clipped to a window and one
    padded with -3024 are in HU.

    Args:
        image: (X, Y, Z) float32.
        inside: (X, Y, Z) bool, its foreground.

    Example:
        >>> import torch
        >>> image = torch.linspace(0, 1, 27).reshape(3, 3, 3)
        >>> check_hounsfield(image * 300 - 100, image > 0)
        >>> check_hounsfield(image, image > 0)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        anysyn.data.errors.VolumeError: is not in HU but from 0 to 1, ...
    """
    low, high = (float(end) for end in image.aminmax())
    if high - low < LEAST_SPAN:
        raise VolumeError(_scaled(low, high))
    if _is_grey(image, low, high):
        raise VolumeError(
            "is not in HU but in grey levels from 0 to 255, as in a picture; convert the DICOM series again, with "
            "dcm2niix, so that its rescale slope and intercept are applied"
        )
    if _share(image, *WRAPPED) > LIKELY_DARK:
        raise VolumeError(
            f"has values about {high:g}, as negative HU have that were stored without a sign; "
            f"write it again in HU, for example {REWRITE.format('(i.get_fdata() + 32768) % 65536 - 32768')}"
        )
    tissue = image[inside]
    shifted = _share(tissue, SOFT[0] + SHIFT, SOFT[1] + SHIFT)
    if _share(image, float("-inf"), DARK) < LIKELY_DARK and shifted > 2 * _share(tissue, *SOFT):
        raise VolumeError(
            f"is not in HU: nothing is darker than {max(low, DARK):g} and soft tissue lies about "
            f"{float(tissue.median()):g}, as if {SHIFT:g} had been added; subtract it, for example "
            f"{REWRITE.format('i.get_fdata() - 1024')}"
        )


def _share(voxels: Tensor, low: float, high: float) -> float:
    return float(((voxels > low) & (voxels < high)).float().mean())


def _is_grey(image: Tensor, low: float, high: float) -> bool:
    return (low, high) == (0.0, 255.0) and bool((image == image.round()).all())


def _scaled(low: float, high: float) -> str:
    return (
        f"is not in HU but from {low:g} to {high:g}, as after scaling or as attenuation per cm; of a scale from A to B "
        "HU make A + (B - A) * v, of attenuation 1000 * (v / 0.195 - 1), for example "
        f"{REWRITE.format('1000 * (i.get_fdata() / 0.195 - 1)')}"
    )
