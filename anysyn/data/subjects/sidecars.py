"""Sidecars: the JSON files with the acquisition parameters of images."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from anysyn.data.errors import SidecarError
from anysyn.data.volumes.formats import sidecar_path, stem
from anysyn.files import read_json


def read_sidecar(path: Path) -> dict[str, Any]:
    """Read a sidecar; NaN and infinity, which are not valid JSON, become None.

    Raises:
        SidecarError: If it is not a JSON object.
    """
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        reason = str(error).removeprefix(f"{path}: ")
        raise SidecarError(f"{path}: is no readable JSON ({reason}); mend or remove it") from error
    if not isinstance(content, dict):
        raise SidecarError(f"{path}: holds no JSON object but a {type(content).__name__}; mend or remove it")
    return content


def is_synthetic(fields: Mapping[str, Any]) -> bool:
    """Return whether the fields of a sidecar say that its image is synthesized, as those of anysyn do.

    Example:
        >>> is_synthetic({"Synthetic": True}), is_synthetic({"EchoTime": 0.003})
        (True, False)
    """
    return fields.get("Synthetic") is True


def sidecar_beside(path: Path) -> dict[str, Any]:
    """Read the sidecar next to an image, the same name with ``.json``; empty if there is none."""
    beside = sidecar_path(path)
    return read_sidecar(beside) if beside.is_file() else {}


def entities_of(name: str) -> tuple[dict[str, str], str]:
    """Split a BIDS name into entities and suffix.

    Example:
        >>> entities_of("sub-01_ce-gadolinium_T1w")
        ({'sub': '01', 'ce': 'gadolinium'}, 'T1w')
    """
    *pairs, suffix = name.split("_")
    return {key: label for key, _, label in (pair.partition("-") for pair in pairs)}, suffix


class Sidecars:
    """The sidecars of a BIDS dataset, with its inheritance principle.

    A sidecar in the folder of an image or in one above it applies if it has the same suffix and no entity that the
    image lacks; the closer one takes precedence.

    Args:
        root: The dataset.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._list, self._read = root, cache(_sidecars_in), cache(read_sidecar)

    def of(self, image: Path) -> dict[str, Any]:
        """Return the merged fields of all sidecars of an image; a `SidecarError` if one of them cannot be read."""
        fields: dict[str, Any] = {}
        for path in self.paths(image):
            fields |= self._read(path)
        return fields

    def paths(self, image: Path) -> tuple[Path, ...]:
        """Return the sidecars of an image, the one that takes precedence last."""
        above = [folder for folder in reversed(image.parents) if folder.is_relative_to(self._root)]
        return tuple(path for folder in above for path in self._list(folder) if _applies(path, image))


def _sidecars_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"), key=lambda path: (path.name.count("_"), path.name))


def _applies(sidecar: Path, image: Path) -> bool:
    required, suffix = entities_of(stem(sidecar))
    entities, image_suffix = entities_of(stem(image))
    return suffix == image_suffix and required.items() <= entities.items()
