"""Presets: our own protocols, and that of each paper and challenge as far as it is stated."""

from __future__ import annotations

from typing import Any

from anysyn.evaluation.metrics.protocol import Protocol
from anysyn.registry import register


@register("protocol", "anysyn")
def anysyn() -> Protocol:
    """Compare whole volumes in the foreground, scaled to the target's percentiles 0 to 99.5 (our default)."""
    return Protocol(name="anysyn", percentiles=(0.0, 99.5))


@register("protocol", "slices")
def slices() -> Protocol:
    """Compare axial slices in the foreground, scaled as in our default; for thick slices and 2-D models."""
    return Protocol(name="slices", unit="slice", dimensions=2, percentiles=(0.0, 99.5))


@register("protocol", "omnisyn")
def omnisyn() -> Protocol:
    """Compare whole axial slices clipped to [0, 1] (OmniSyn; its window, and slice or case averaging, are not stated).

    The paper's 224 x 224 slices are a matter of preparation: the images are compared on the grid of the recipe.
    """
    metrics = ("psnr", "ssim", "mse", "mae")
    return Protocol(name="omnisyn", unit="slice", dimensions=2, mask="whole", clip=(0.0, 1.0), metrics=metrics)


@register("protocol", "tumsyn")
def tumsyn() -> Protocol:
    """Compare whole volumes scaled to the target's percentiles 0.5 to 99.5 (TUMSyn; its SSIM window is not stated)."""
    return Protocol(name="tumsyn", mask="whole", percentiles=(0.5, 99.5), metrics=("psnr", "ssim"))


@register("protocol", "unisyn")
def unisyn() -> Protocol:
    """Compare whole volumes as TUMSyn does (UniSyn, which compares with it, states no more than PSNR and SSIM)."""
    return Protocol(name="unisyn", mask="whole", percentiles=(0.5, 99.5), metrics=("psnr", "ssim"))


@register("protocol", "pmm")
def pmm() -> Protocol:
    """Compare whole axial slices as prepared, with the target's maximum as peak (PMM-Synth, window not stated)."""
    return Protocol(name="pmm", unit="slice", dimensions=2, mask="whole", data_range="max", metrics=("psnr", "ssim"))


@register("protocol", "brasyn")
def brasyn() -> Protocol:
    """Compare the lesion and the rest separately, each image scaled by its own percentiles (BraSyn challenge, 2023).

    The challenge adds the Dice of a fixed segmenter: the probe ``lesion_segmentation``.
    """
    metrics = ("ssim_healthy", "ssim_lesion")
    return Protocol(name="brasyn", mask="whole", percentiles=(0.5, 99.5), limits="own", metrics=metrics)


@register("protocol", "synthrad")
def synthrad() -> Protocol:
    """Compare CT in HU in the body, -1024 to 3000 (SynthRAD challenge, 2023); its MAE in HU is in the table, too.

    The body is the foreground of the subject; the challenge provides a mask.
    """
    return Protocol(
        name="synthrad",
        clip=(-1024.0, 3000.0),
        data_range=4024.0,
        window=7,
        metrics=("psnr", "ssim"),
        restored_to="HU",
        outside=-1024.0,
        weights="uniform",
    )


@register("protocol", "synthrad2025")
def synthrad2025() -> Protocol:
    """Compare CT in HU in the body, -1024 to 3071 (SynthRAD challenge, 2025), and bone where a mask says where it is.

    The challenge segments the synthesis with TotalSegmentator and compares all its classes; here bone is what has 200
    HU, and the subject's mask ``bone`` says where the truth has it.
    """
    return Protocol(
        name="synthrad2025",
        clip=(-1024.0, 3071.0),
        data_range=4095.0,
        window=7,
        metrics=("psnr", "ms_ssim_masked", "dice_bone", "hd95_bone"),
        restored_to="HU",
        outside=-1024.0,
        weights="uniform",
    )


@register("protocol", "codebrain-ixi")
def codebrain_ixi() -> Protocol:
    """Compare all slices of a subject as one batch of torchmetrics with data range 1 (CodeBrain's IXI).

    PSNR is that of the error over all slices together, SSIM the mean over slices, empty ones too.
    """
    how: dict[str, Any] = {"dimensions": 2, "mask": "whole", "clip": (0.0, 1.0), "borders": True}
    return Protocol(name="codebrain-ixi", metrics=("psnr", "ssim"), **how)
