"""Steps of preparation as transforms, for the configuration of a bundle: MONAI's, or those that the bundle brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from anysyn.data.modalities import modality
from anysyn.data.prepare.canonical import Canonical
from anysyn.data.prepare.crop import Crop
from anysyn.data.prepare.intensity import Linear, Nonnegative, Rescale, ZScore
from anysyn.data.prepare.preparation import Preparation
from anysyn.data.prepare.resample import Resample
from anysyn.data.prepare.tissue_scale import DeepMedian, WhiteStripe
from anysyn.errors import UserError
from anysyn.exporting.bundle_code import STEPS

Transform = dict[str, Any]
KEY, BODY = "image", "inside"  # all sources as channels, and where the head or body is


def transforms_of(step: Preparation, sources: Sequence[str]) -> list[Transform]:
    """Return a step as transforms of a configuration, on the channels of ``image`` and on their mask ``inside``.

    Args:
        step: The step.
        sources: The modalities of the channels.

    Raises:
        UserError: If a bundle has nothing for it.

    Example:
        >>> transforms_of(Canonical(), ["T1w"])[0]["_target_"]
        'Orientationd'
    """
    known: dict[type, Callable[[Any], list[Transform]]] = {
        Canonical: lambda step: [_turned(step)],
        Nonnegative: lambda _: [{"_target_": f"{STEPS}.CutNegative", "families": families(sources)}],
        Crop: lambda crop: [_cropped(crop)],
        Resample: lambda step: _spaced(step, sources),
    }
    if type(step) in known:
        return known[type(step)](step)
    if isinstance(step, Linear):
        return [_scaled(step, sources)]
    raise UserError(
        f"--format monai-bundle: a bundle has nothing like the step {type(step).__name__} of data.prepare; take "
        "--format torch, and prepare the images with anysyn"
    )


def families(names: Sequence[str]) -> list[str]:
    """Return the families of modalities; that of an MRI which has a unit is its own name.

    Example:
        >>> families(["T1w", "CT", "ADC"])
        ['MRI', 'CT', 'ADC']
    """
    known = [modality(name) for name in names]
    return [one.name if one.family == "MRI" and one.unit != "arbitrary" else one.family for one in known]


def _turned(step: Canonical) -> Transform:
    labels = [["L", "R"], ["P", "A"], ["I", "S"]]
    return {"_target_": "Orientationd", "keys": [KEY, BODY], "axcodes": step.axes, "labels": labels}


def _cropped(step: Crop) -> Transform:
    around = {"_target_": f"{STEPS}.WithinMargin", "margin": step.margin}
    return {
        **{"_target_": "CropForegroundd", "keys": [KEY, BODY], "source_key": BODY, "select_fn": around},
        **{"allow_smaller": True},
    }


def _spaced(step: Resample, sources: Sequence[str]) -> list[Transform]:
    ways = {
        **{"_target_": f"{STEPS}.ToSpacingd", "spacing": list(step.spacing)},
        "interpolation": step.interpolation,
    }
    return [{**ways, "keys": KEY, "families": families(sources)}, {**ways, "keys": BODY, "mask": True}]


def _scaled(step: Linear, sources: Sequence[str]) -> Transform:
    windows = [step.windows.get(name, modality(name).window) for name in sources]
    measure, options = _measure(step)
    return {
        **{"_target_": f"{STEPS}.Scaled", "families": families(sources)},
        "windows": [window and list(window) for window in windows],
        **{"measure": measure, "options": options},
    }


def _measure(step: Linear) -> tuple[str, dict[str, float | None]]:
    if type(step) is Rescale and getattr(step, "over", "foreground") == "foreground":
        return "percentiles", {"lower": step.lower, "upper": step.upper}
    if type(step) is ZScore:
        return "zscore", {}
    if type(step) is DeepMedian:
        return "deep_median", {"share": step.share, "value": step.value}
    if type(step) is WhiteStripe:
        return "peak", {"value": step.value}
    raise UserError(
        f"--format monai-bundle: a bundle has nothing like the step {type(step).__name__} of data.prepare; take "
        "--format torch, and prepare the images with anysyn"
    )
