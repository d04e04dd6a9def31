"""One slice of a subject with what a segmenter outlined in it, small enough to keep, for a figure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from anysyn.data.volumes.study import Study
from anysyn.errors import UserError
from anysyn.files import replacing
from anysyn.files.arrays import read_arrays
from anysyn.probes.lesion_segmentation.dice import Outlined
from anysyn.probes.lesion_segmentation.unet import Segmenter

WORDS = ("task", "subject", "spacing", "inputs", "regions", "about")
ARRAYS = ("real", "truth", "outlined", "images")


@dataclass(frozen=True, kw_only=True)
class Outlines:
    """One axial slice of a subject, with what was outlined in it.

    Args:
        task: Name of the task.
        subject: Key of the subject.
        spacing: Edges of a pixel in mm.
        inputs: M modalities.
        regions: R names.
        real: (M, X, Y), the real images.
        truth: (R, X, Y) bool.
        outlined: (N, R, X, Y) bool, what was outlined in each case of ``about``.
        images: (N, X, Y), what was shown in place of the missing modality; zero where nothing was.
        about: N times missing modality, method and sources.
    """

    task: str
    subject: str
    spacing: Sequence[float]
    inputs: Sequence[str]
    regions: Sequence[str]
    real: NDArray[np.float16]
    truth: NDArray[np.bool_]
    outlined: NDArray[np.bool_]
    images: NDArray[np.float16]
    about: Sequence[Sequence[str]]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the slice as arrays, the words among them as JSON."""
        words = json.dumps({name: getattr(self, name) for name in WORDS})
        return {"words": np.array(words), **{name: getattr(self, name) for name in ARRAYS}}


def outlines_of(task: str, study: Study, segmenter: Segmenter, truth: Tensor, outlined: Sequence[Outlined]) -> Outlines:
    """Cut out the slice in which the first region is largest.

    Args:
        task: Name of the task.
        study: Prepared images.
        segmenter: What outlined.
        truth: (R, X, Y, Z) bool.
        outlined: What it outlined in each case.
    """
    place = int(truth[0].sum((0, 1)).argmax())

    def cut(images: Sequence[Tensor]) -> NDArray[np.float16]:
        return np.stack([np.asarray(image[..., place].numpy(), np.float16) for image in images])

    blank = truth[0] & False
    return Outlines(
        task=task,
        subject=study.key,
        spacing=study.grid.spacing[:2],
        inputs=segmenter.inputs,
        regions=segmenter.regions,
        real=cut([study.images[name] for name in segmenter.inputs]),
        truth=truth[..., place].numpy(),
        outlined=np.stack([one.masks[..., place].numpy() for one in outlined]),
        images=cut([blank if one.image is None else one.image for one in outlined]),
        about=[(one.missing, one.method, one.sources) for one in outlined],
    )


def write_outlines(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a slice as a compressed ``.npz``; one that is there is replaced.

    Args:
        path: The file.
        arrays: As `Outlines.arrays` returns them.
    """
    with replacing(path, overwrite=True) as file:
        np.savez_compressed(file, **dict(arrays))  # type: ignore[arg-type]


def read_outlines(path: Path) -> Outlines:
    """Read what `write_outlines` wrote.

    Raises:
        UserError: If the file is something else.

    Example:
        >>> read_outlines(Path("nowhere.npz"))
        Traceback (most recent call last):
        anysyn.errors.UserError: nowhere.npz: not a slice that a probe wrote; run the probe again
    """
    try:
        file = read_arrays(path)
        words = json.loads(str(file["words"]))
        values: dict[str, Any] = {name: words[name] for name in WORDS} | {name: file[name] for name in ARRAYS}
        return Outlines(**values)
    except (OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: not a slice that a probe wrote; run the probe again") from error
