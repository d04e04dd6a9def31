"""Examples for figures: three planes of a case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from anysyn.errors import UserError
from anysyn.evaluation.example_shape import check_planes, checked_record
from anysyn.files import replacing
from anysyn.files.arrays import read_arrays

Plane = npt.NDArray[np.float16]
Planes = tuple[Plane, Plane, Plane]
ABOUT = ("subject", "dataset", "target", "spacing", "values")  # fields that are no arrays


@dataclass(frozen=True, kw_only=True)
class Example:
    """Three orthogonal planes of each image of a case, in prepared intensities.

    Args:
        subject: Key of the subject.
        dataset: Dataset of the subject.
        target: Modality name.
        spacing: Voxel size in mm along the three axes.
        sources: By modality name, the planes perpendicular to axis 0 (Y, Z), axis 1 (X, Z) and axis 2 (X, Y).
        truth: Planes of the real target.
        mask: Planes of the foreground, 0 or 1.
        predictions: By method, the model or a baseline.
        values: By method, the value of each metric.
    """

    subject: str
    dataset: str
    target: str
    spacing: tuple[float, float, float]
    sources: Mapping[str, Planes]
    truth: Planes
    mask: Planes
    predictions: Mapping[str, Planes]
    values: Mapping[str, Mapping[str, float]]


def centre(foreground: Tensor) -> tuple[int, int, int]:
    """Return the voxel in the middle of the foreground, (X, Y, Z) bool and true somewhere.

    Example:
        >>> mask = torch.zeros(5, 5, 5, dtype=torch.bool)
        >>> mask[1:4, 2:5, 0] = True
        >>> centre(mask)
        (2, 3, 0)
    """
    x, y, z = foreground.nonzero().double().mean(0).round().long().tolist()
    return x, y, z


def planes(volume: Tensor, at: tuple[int, int, int]) -> Planes:
    """Return the three planes, (Y, Z), (X, Z) and (X, Y), through a voxel of a volume (X, Y, Z).

    Example:
        >>> [plane.shape for plane in planes(torch.zeros(2, 3, 4), (0, 0, 0))]
        [(3, 4), (2, 4), (2, 3)]
    """
    x, y, z = (volume.select(axis, index).to(torch.float16).cpu().numpy() for axis, index in enumerate(at))
    return x, y, z


def write_example(path: Path, example: Example) -> None:
    """Write an example as a compressed ``.npz``, atomically.

    The arrays are ``source/<modality>/<axis>``, ``truth/<axis>``, ``mask/<axis>``, ``prediction/<method>/<axis>`` in
    float16 and ``about``, a JSON text with the rest. An existing file is replaced.

    Example:
        >>> import tempfile
        >>> cut = planes(torch.zeros(2, 3, 4), (0, 0, 0))
        >>> about = {"subject": "sub-01", "dataset": "", "target": "T2w", "spacing": (1.0, 1.0, 1.0)}
        >>> images = {"sources": {"T1w": cut}, "truth": cut, "mask": cut, "predictions": {"model": cut}}
        >>> path = Path(tempfile.mkdtemp()) / "example.npz"
        >>> write_example(path, Example(**about, **images, values={"model": {"psnr": 30.0}}))
        >>> read_example(path).values
        {'model': {'psnr': 30.0}}
    """
    about = {name: getattr(example, name) for name in ABOUT} | {"sources": list(example.sources)}
    groups = {f"source/{name}": images for name, images in example.sources.items()}
    groups |= {f"prediction/{method}": images for method, images in example.predictions.items()}
    groups |= {"truth": example.truth, "mask": example.mask}
    arrays = {f"{name}/{axis}": plane for name, images in groups.items() for axis, plane in enumerate(images)}
    with replacing(path, overwrite=True) as file:
        np.savez_compressed(file, allow_pickle=False, about=np.array(json.dumps(about)), **arrays)


def read_example(path: Path) -> Example:
    """Read an example that `write_example` wrote.

    Raises:
        UserError: If the file is not an example.
    """
    try:
        arrays = read_arrays(path)
        about = checked_record(json.loads(str(arrays.pop("about"))))
        check_planes(arrays)
        images: dict[str, Any] = {name: _planes(arrays, name) for name in ("truth", "mask")}
        images["sources"] = {name: _planes(arrays, f"source/{name}") for name in about["sources"]}
        images["predictions"] = {method: _planes(arrays, f"prediction/{method}") for method in about["values"]}
    except (OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: not an example that an evaluation wrote ({error}); evaluate again") from error
    return Example(**{name: about[name] for name in ABOUT}, **images)


def _planes(arrays: Mapping[str, Plane], name: str) -> Planes:
    return arrays[f"{name}/0"], arrays[f"{name}/1"], arrays[f"{name}/2"]
