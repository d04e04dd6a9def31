"""Steps of preparation as transforms of MONAI, for the configuration of a bundle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from anysyn.data.modalities import modality
from anysyn.data.prepare.canonical import Canonical
from anysyn.data.prepare.crop import Crop
from anysyn.data.prepare.intensity import Linear, Nonnegative, Rescale, ZScore
from anysyn.data.prepare.preparation import Preparation
from anysyn.data.prepare.resample import Resample
from anysyn.data.prepare.tissue_scale import DeepMedian
from anysyn.data.volumes.foreground import AIR_HU
from anysyn.data.volumes.intensity_window import Window
from anysyn.errors import UserError

Transform = dict[str, Any]
KEY = "image"  # all sources as channels


def transforms_of(step: Preparation, sources: Sequence[str]) -> list[Transform]:
    """Return a step as transforms of a configuration, on the channels of ``image``.

    Args:
        step: The step.
        sources: The modalities of the channels.

    Raises:
        UserError: If MONAI has nothing for it.

    Example:
        >>> transforms_of(Canonical(), ["T1w"])
        [{'_target_': 'Orientationd', 'keys': 'image', 'axcodes': 'RAS'}]
    """
    known: dict[type, Callable[[Any], Transform]] = {
        Canonical: lambda _: {"_target_": "Orientationd", "keys": KEY, "axcodes": "RAS"},
        Nonnegative: lambda _: _lambda([_clamped(name) for name in sources]),
        Crop: lambda crop: _crop(crop, sources),
        Resample: _resample,
    }
    if type(step) in known:
        return [known[type(step)](step)]
    if isinstance(step, Linear):
        return [_lambda([_scaled(step, name) for name in sources])]
    raise UserError(
        f"--format monai-bundle: MONAI has nothing like the step {type(step).__name__} of data.prepare; take --format "
        "torch, and prepare the images with anysyn"
    )


def restored(window: Window | None) -> str:
    """Return the expression that maps prepared intensities ``x`` to the unit of the file.

    Example:
        >>> restored((0.0, 800.0))
        'x * 800.0 + 0.0'
    """
    low, high, slope = _three(window or (0.0, 1.0))
    share = "x" if slope == 1 else f"(x.clamp(0, 1) + (x - x.clamp(0, 1)) / {slope})"
    return f"{share} * {high - low} + {low}"


def air_below(name: str) -> float:
    """Return the intensity up to which a voxel is air, in images whose background is air or was set to 0.

    Example:
        >>> air_below("T1w"), air_below("CT")
        (0.0, -500.0)
    """
    return AIR_HU if modality(name).family == "CT" else 0.0


def shown(sources: Sequence[str], key: str) -> str:
    """Return the expression for what any channel of an image shows, (1, X, Y, Z) bool.

    Example:
        >>> shown(["T1w"], "i")
        '(i > torch.tensor([0.0]).view(-1, 1, 1, 1)).as_tensor().any(0, keepdim=True)'
    """
    ends = [air_below(name) for name in sources]
    return f"({key} > torch.tensor({ends}).view(-1, 1, 1, 1)).as_tensor().any(0, keepdim=True)"


def _lambda(channels: Sequence[str]) -> Transform:
    """Return a transform that makes each channel ``x`` anew; ``a`` is its array, ``e`` the edges of its voxels."""
    asked = ", ".join(
        f"(lambda x, a, e: {expression})(i[{number}], np.asarray(i[{number}]), [float(n) for n in i.pixdim])"
        for number, expression in enumerate(channels)
    )
    return {"_target_": "Lambdad", "keys": KEY, "func": f"$lambda i: torch.stack([{asked}])", "track_meta": True}


def _clamped(name: str) -> str:
    return "x" if modality(name).family == "CT" else "x.clamp(min=0)"


def _crop(step: Crop, sources: Sequence[str]) -> Transform:
    """Return a crop to what is not 0, with a margin in mm: the mask grows by it."""
    sides = f"[int(np.ceil({step.margin} / float(n))) for n in i.pixdim]"
    grown = "torch.nn.functional.max_pool3d(m, [2 * n + 1 for n in s], 1, s)"
    mask = f"(lambda m, s: {grown})({shown(sources, 'i')}.float(), {sides}) > 0"
    return {
        **{"_target_": "CropForegroundd", "keys": KEY, "source_key": KEY, "select_fn": f"$lambda i: {mask}"},
        **{"channel_indices": None, "allow_smaller": True},
    }


def _resample(step: Resample) -> Transform:
    if None in step.spacing:
        raise UserError(
            f"--format monai-bundle: data.prepare.resample keeps an axis as it is ({list(step.spacing)}), which MONAI "
            "cannot; take --format torch"
        )
    mode = "bilinear" if step.interpolation == "linear" else 3
    return {"_target_": "Spacingd", "keys": KEY, "pixdim": list(step.spacing), "mode": mode, "padding_mode": "border"}


def _scaled(step: Linear, name: str) -> str:
    window = step.windows.get(name, modality(name).window)
    if window is not None:
        low, high, slope = _three(window)
        share = f"((x - {low}) / {high - low})"
        return share if slope == 1 else f"(lambda s: s.clamp(0, 1) + {slope} * (s - s.clamp(0, 1)))({share})"
    body = f"ndimage.binary_fill_holes(a > {air_below(name)})"
    if isinstance(step, Rescale):
        low_end = 0.0 if step.lower is None else f"np.percentile(a[{body}], {step.lower})"
        return f"(lambda l, h: (x - l) / (h - l))(float({low_end}), float(np.percentile(a[{body}], {step.upper})))"
    if isinstance(step, ZScore):
        return f"(x - float(a[{body}].mean())) / float(a[{body}].std())"
    if isinstance(step, DeepMedian):
        return _by_depth(step, body)
    raise UserError(
        f"--format monai-bundle: MONAI has nothing like the step {type(step).__name__} of data.prepare; take --format "
        "torch, and prepare the images with anysyn"
    )


def _by_depth(step: DeepMedian, body: str) -> str:
    """Return the scale by the median of what lies deepest, on every voxel instead of every third millimetre."""
    depth = "ndimage.distance_transform_edt(np.pad(b, 1), sampling=e)[1:-1, 1:-1, 1:-1]"
    median = f"float(np.median(a[b & (d >= np.percentile(d[b], {100 * (1 - step.share)}))]))"
    return f"(lambda b: (lambda d: x * ({step.value} / {median}))({depth}))({body})"


def _three(window: Sequence[float]) -> tuple[float, float, float]:
    low, high, *slope = (float(number) for number in window)
    return low, high, slope[0] if slope else 1.0
