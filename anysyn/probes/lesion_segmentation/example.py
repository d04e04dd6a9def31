"""Outlines: one slice of a subject with what a segmenter outlined in it, small enough to keep, for figures."""

from __future__ import annotations

import json
import zipfile
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

WORDS = ("task", "subject", "spacing", "regions", "about")
ARRAYS = ("truth", "outlined", "images")


@dataclass(frozen=True, kw_only=True)
class Outlines:
    """One axial slice of a subject, with what was outlined in it.

    Args:
        task: What was looked for.
        subject: Key of the subject.
        spacing: Edges of a pixel in mm.
        regions: R names.
        real: By modality, the real image (X, Y).
        truth: (R, X, Y) bool.
        outlined: For each of ``about``, what was outlined, (R, X, Y) bool.
        images: For each of ``about``, what stood in the place of the missing modality, (X, Y); zero where nothing did.
        about: Missing modality, method and sources.
    """

    task: str
    subject: str
    spacing: tuple[float, float]
    regions: tuple[str, ...]
    real: Mapping[str, NDArray[np.float16]]
    truth: NDArray[np.bool_]
    outlined: NDArray[np.bool_]
    images: NDArray[np.float16]
    about: tuple[tuple[str, str, str], ...]


class Slice:
    """The slice of a subject in which the first region is largest.

    Args:
        task: What is looked for.
        study: Its prepared images.
        inputs: Modalities that are shown.
        regions: R names.
        truth: (R, X, Y, Z) bool.
    """

    def __init__(self, task: str, study: Study, inputs: Sequence[str], regions: Sequence[str], truth: Tensor) -> None:
        self.task, self.study, self.regions = task, study, tuple(regions)
        self.place = int(truth[0].sum((0, 1)).argmax())
        self.truth = truth[..., self.place].numpy()
        self.real = {name: self._cut(study.images[name]) for name in inputs}
        self.columns: list[tuple[tuple[str, str, str], NDArray[np.bool_], NDArray[np.float16]]] = []

    def add(self, about: tuple[str, str, str], masks: Tensor, image: Tensor | None) -> None:
        """Add what was outlined: missing modality, method and sources; (R, X, Y, Z); (X, Y, Z) or None."""
        shown = np.zeros(self.truth.shape[1:], np.float16) if image is None else self._cut(image)
        self.columns.append((about, masks[..., self.place].numpy(), shown))

    def outlines(self) -> Outlines:
        """Return what was gathered."""
        x, y, _ = self.study.grid.spacing
        about, outlined, images = zip(*self.columns, strict=True)
        return Outlines(
            task=self.task,
            subject=self.study.key,
            spacing=(x, y),
            regions=self.regions,
            real=self.real,
            truth=self.truth,
            outlined=np.stack(outlined),
            images=np.stack(images),
            about=about,
        )

    def _cut(self, image: Tensor) -> NDArray[np.float16]:
        return np.asarray(image[..., self.place].numpy(), dtype=np.float16)


def arrays_of(outlines: Outlines) -> dict[str, NDArray[Any]]:
    """Return a slice as arrays, the words among them as JSON.

    Args:
        outlines: The slice.
    """
    words: dict[str, Any] = {name: getattr(outlines, name) for name in WORDS} | {"real": list(outlines.real)}
    arrays = {name: getattr(outlines, name) for name in ARRAYS}
    return {
        "words": np.array(json.dumps(words)),
        **arrays,
        **{f"real/{name}": image for name, image in outlines.real.items()},
    }


def write_outlines(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a slice as a compressed ``.npz``; one that is there is replaced.

    Args:
        path: The file.
        arrays: As `arrays_of` returns them.
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
        with np.load(path, allow_pickle=False) as file:
            words = json.loads(str(file["words"]))
            arrays = {name: file[name] for name in ARRAYS}
            real = {name: file[f"real/{name}"] for name in words.pop("real")}
        return Outlines(
            task=words["task"],
            subject=words["subject"],
            spacing=tuple(words["spacing"]),
            regions=tuple(words["regions"]),
            about=tuple(map(tuple, words["about"])),
            real=real,
            **arrays,
        )
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"{path}: not a slice that a probe wrote; run the probe again") from error
