"""The configuration with which MONAI's own command runs a bundle on image files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anysyn.data.modalities import modality
from anysyn.data.prepare.intensity import Linear, Nonnegative
from anysyn.data.views import View
from anysyn.data.views.patches import Patches
from anysyn.data.views.slices import Slabs, Slices
from anysyn.data.views.whole import Whole
from anysyn.data.volumes.intensity_window import Window, rescale
from anysyn.errors import UserError
from anysyn.exporting.bundle_code import INFERER, STEPS, WRITER
from anysyn.exporting.monai_steps import KEY, families, transforms_of
from anysyn.synthesis.loaded_run import LoadedRun

IMPORTS = ("import torch", "import torch.export.passes")


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
        "device": "cpu",
        **paths,
        "dataset": {
            "_target_": "Dataset",
            "data": [{name: f"@{name}" for name in sources}],
            "transform": "@preprocessing",
        },
        "program": f"$torch.export.load(@bundle_root + '/{model}')",
        "network_def": "$torch.export.passes.move_to_device_pass(@program, @device).module()",
        "preprocessing": {"_target_": "Compose", "transforms": _before(run, sources)},
        "inferer": _inferer(run, target),
        "answer": f"$torch.no_grad()(lambda d: {{**d, 'pred': @inferer({_asked(sources)})[0].cpu()}})",
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
        {"_target_": f"{STEPS}.FindBody", "families": families(sources)},
    ]
    for step in run.pipeline.steps:
        steps += transforms_of(step, sources)
    return steps


def _after(run: LoadedRun, sources: Sequence[str], target: str) -> list[Any]:
    window, air = _window(run, target), _air(target)
    saved = {"keys": "pred", "output_dir": "@output_dir", "output_postfix": f"synthetic_{target}"}
    back = {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": KEY}
    return [
        {"_target_": f"{STEPS}.Restored", "window": list(window or (0.0, 1.0)), "air": air},
        {**back, "nearest_interp": False},
        {"_target_": f"{STEPS}.Physical", "families": families(sources), **_range(run, target), "air": air},
        {"_target_": "SaveImaged", **saved, "resample": False, "separate_folder": False, "writer": WRITER},
    ]


def _inferer(run: LoadedRun, target: str) -> dict[str, Any]:
    view, multiple, window = run.view, int(run.model.encoder.strides[-1]), _window(run, target)
    seen = view.axes[3 - view.dimensions :]  # axes along which the network strides
    air = _air(target) if window is None else rescale(_air(target), window)
    return {
        **{"_target_": INFERER, "size": tile_of(view), "overlap": view.overlap, "halo": view.halo},
        **{"multiple": [multiple if axis in seen else 1 for axis in range(3)], "air": air},
    }


def _asked(sources: Sequence[str]) -> str:
    raw = [_air(name) for name in sources]
    return f"d['image'][None].to(@device), @network_def, inside=d['inside'][None] > 0.5, outside=d.get('air', {raw})"


def _window(run: LoadedRun, target: str) -> Window | None:
    """Return what becomes 0 and 1 in the target; None if the run scales nothing."""
    if not any(isinstance(step, Linear) for step in run.pipeline.steps):
        return None
    return run.pipeline.typical.windows(run.dataset or "").get(target)


def _range(run: LoadedRun, target: str) -> dict[str, Any]:
    known = modality(target)
    checked = any(isinstance(step, Nonnegative) for step in run.pipeline.steps)
    return {"low": known.range[0], "high": known.range[1], "signed": not checked and known.unit == "arbitrary"}


def _air(name: str) -> float:
    return -1000.0 if modality(name).family == "CT" else 0.0


def tile_of(view: View) -> list[int]:
    """Return the lengths of a tile along X, Y, Z; -1 is the whole axis.

    Args:
        view: How the run cuts volumes.

    Raises:
        UserError: If the inferer of a bundle cannot cut a volume so.

    Example:
        >>> tile_of(Slabs(thickness=3)), tile_of(Patches(size=(30, 32, 32)))
        ([-1, -1, 3], [30, 32, 32])
    """
    if isinstance(view, Slices | Slabs):
        return [view.depth if axis == view.axes[0] else -1 for axis in range(3)]
    if isinstance(view, Whole):
        return [-1, -1, -1]
    if isinstance(view, Patches):
        return list(view.size)
    raise UserError(
        f"--format monai-bundle: the inferer of a bundle cuts no volume as {type(view).__name__} does; take --format "
        "torch"
    )
