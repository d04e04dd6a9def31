"""The configuration with which MONAI's own command runs a bundle on image files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from anysyn.data.modalities import modality
from anysyn.data.views import View
from anysyn.data.views.patches import Patches
from anysyn.data.views.slices import Slabs, Slices
from anysyn.data.views.whole import Whole
from anysyn.errors import UserError
from anysyn.exporting.monai_steps import KEY, restored, shown, transforms_of
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.written_images import MARK

IMPORTS = ("import numpy as np", "import nibabel as nib", "import torch", "from scipy import ndimage")
FLAT = 1e4  # standard deviation of a weight that is 1 along an axis that one tile covers, as a share of the tile


def inference(run: LoadedRun, sources: Sequence[str], target: str, model: str) -> dict[str, Any]:
    """Return ``configs/inference.json``.

    Args:
        run: The run.
        sources: Canonical names, in the order of the channels.
        target: Canonical name.
        model: File of the network, below the bundle.
    """
    paths = {name: f"{name.lower()}.nii.gz" for name in sources}
    return {
        "imports": [f"${line}" for line in IMPORTS],
        "bundle_root": ".",
        "output_dir": "$@bundle_root + '/output'",
        "device": "$torch.device('cpu')",
        **paths,
        "dataset": {
            "_target_": "Dataset",
            "data": [{name: f"@{name}" for name in sources}],
            "transform": "@preprocessing",
        },
        "network_def": f"$torch.export.load(@bundle_root + '/{model}').module()",
        "preprocessing": {"_target_": "Compose", "transforms": _before(run, sources)},
        "inferer": {"_target_": "SlidingWindowInferer", **_window(run.view, run.model.encoder.strides[-1])},
        "answer": "$torch.no_grad()(lambda d: {**d, 'pred': @inferer(d['image'][None], @network_def)[0]})",
        "postprocessing": {"_target_": "Compose", "transforms": _after(run, sources, target)},
        "run": ["$[@postprocessing(@answer(d)) for d in @dataset]"],
    }


def _before(run: LoadedRun, sources: Sequence[str]) -> list[dict[str, Any]]:
    names, others = list(sources), list(sources[1:])
    steps: list[dict[str, Any]] = [
        {"_target_": "LoadImaged", "keys": names, "image_only": True},
        {"_target_": "EnsureChannelFirstd", "keys": names},
    ]
    if others:
        steps.append({"_target_": "ResampleToMatchd", "keys": others, "key_dst": names[0], "mode": "bilinear"})
    steps += [
        {"_target_": "ConcatItemsd", "keys": names, "name": KEY},
        {"_target_": "CopyItemsd", "keys": KEY, "names": "given"},
    ]
    for step in run.pipeline.steps:
        steps += transforms_of(step, sources)
    multiple = int(run.model.encoder.strides[-1])
    sides = [multiple if axis in run.view.axes[3 - run.view.dimensions :] else 1 for axis in range(3)]
    steps.append({"_target_": "DivisiblePadd", "keys": KEY, "k": sides, "mode": "replicate", "method": "end"})
    return steps


def _after(run: LoadedRun, sources: Sequence[str], target: str) -> list[Any]:
    window = run.pipeline.typical.windows(run.dataset or "").get(target)
    low, high = modality(target).range
    air = -1000.0 if modality(target).family == "CT" else 0.0
    body = shown(sources, "d['given']")
    saved = {"keys": "pred", "output_dir": "@output_dir", "output_postfix": f"synthetic_{target}"}
    descrip = f"i.header.__setitem__('descrip', {MARK.encode()!r})"
    again = f"({descrip}, nib.save(nib.Nifti1Image(np.array(i.dataobj), i.affine, i.header), i.get_filename()))"
    return [
        {"_target_": "Lambdad", "keys": "pred", "func": f"$lambda x: {restored(window)}"},
        {
            "_target_": "Invertd",
            "keys": "pred",
            "transform": "@preprocessing",
            "orig_keys": KEY,
            "nearest_interp": False,
        },
        f"$lambda d: {{**d, 'pred': torch.where({body}, d['pred'].clamp({low}, {high}), {air})}}",
        {
            **{"_target_": "SaveImaged", **saved, "resample": False, "separate_folder": False},
            **{"savepath_in_metadict": True},
        },
        f"$lambda d: (lambda i: {again} and d)(nib.load(d['pred'].meta['saved_to']))",
    ]


def _window(view: View, multiple: int) -> dict[str, Any]:
    """Return the tiles of the inferer: those of the run's view, with weights that fall as those of the run do."""
    size = tile_of(view, multiple)
    alone = [length in (-1, 1) for length in size]  # one tile covers the axis, or none overlaps
    overlap = [0.0 if one else view.overlap for one in alone]
    sigma = [FLAT if one else sigma_of(length) for one, length in zip(alone, size, strict=True)]
    return {"roi_size": size, "overlap": overlap, "mode": "gaussian", "sigma_scale": sigma, "sw_batch_size": 1}


def tile_of(view: View, multiple: int) -> list[int]:
    """Return the lengths of a tile along X, Y, Z; -1 is the whole axis.

    Args:
        view: How the run cuts volumes.
        multiple: What the lengths that its network sees are multiples of.

    Raises:
        UserError: If a sliding window cannot cut a volume so.

    Example:
        >>> tile_of(Slabs(thickness=3), 8), tile_of(Patches(size=(30, 32, 32)), 8)
        ([-1, -1, 3], [32, 32, 32])
    """
    if type(view) in (Slices, Slabs):
        return [view.depth if axis == view.axes[0] else -1 for axis in range(3)]
    if isinstance(view, Whole):
        return [-1, -1, -1]
    if isinstance(view, Patches):
        return [-(-length // multiple) * multiple for length in view.size]
    raise UserError(
        f"--format monai-bundle: no sliding window of MONAI cuts a volume as {type(view).__name__} does; take --format "
        "torch"
    )


def sigma_of(length: int) -> float:
    """Return the width of a Gaussian, as a share of a tile, with the weight of the run's blending at its first voxel.

    Args:
        length: Voxels of the tile; more than one.

    Example:
        >>> weight = math.exp(-1 / (2 * (3 * sigma_of(3)) ** 2))
        >>> round(weight, 6)  # sin^2(pi / 6)
        0.25
    """
    first = math.sin(math.pi / (2 * length)) ** 2
    return (length - 1) / 2 / math.sqrt(-2 * math.log(first)) / length
