"""What is shown together: the images of one person, each with the maps that lie over it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from anysyn.data.subjects.sidecars import is_synthetic, sidecar_beside
from anysyn.data.volumes.formats import is_volume, stem, volumes_in
from anysyn.errors import UserError

_MAP = re.compile(r"_desc-(?P<kind>error|interval[A-Za-z0-9]*|depends[A-Za-z0-9]*)(?=_|$)")
_WHOSE = re.compile(r"(sub-[A-Za-z0-9]+(?:_ses-[A-Za-z0-9]+)?)_")
_MASK = re.compile(r"(?:^|_)(?:mask|dseg|probseg)$")
_DESCRIPTION = re.compile(r"_desc-[A-Za-z0-9]+")


@dataclass(frozen=True)
class Layer:
    """An image, or a map that lies over one.

    Args:
        name: What it is called on the page.
        path: The file.
        synthetic: Whether its sidecar says that it is synthetic.
        maps: Maps that lie over it, such as its expected error.
    """

    name: str
    path: Path
    synthetic: bool = False
    maps: tuple[Layer, ...] = ()


@dataclass(frozen=True)
class Scene:
    """Images that are shown side by side.

    Args:
        name: Person and session by BIDS names, or the folder; "" for files that were named one by one.
        layers: The images, acquired ones first, masks last.
    """

    name: str
    layers: tuple[Layer, ...]


def scenes_of(paths: Sequence[Path]) -> list[Scene]:
    """Return what is to be shown: all named files together, and of folders each person by itself.

    Files whose names are not of BIDS are together with those of their folder.

    Args:
        paths: Image files, and folders, which are searched to the bottom.

    Raises:
        UserError: If a path is missing or no image, or there is no image at all.
    """
    named = [path for path in paths if not path.is_dir()]
    for path in named:
        if not path.is_file() or not is_volume(path):
            raise UserError(f"{path}: is no image file; name images (.nii.gz, .mha, .nrrd, .mgz) or folders")
    found = [Scene("", together(named))] if named else []
    found += [scene for path in paths if path.is_dir() for scene in _in_folder(path)]
    if not found:
        where = ", ".join(map(str, paths))
        raise UserError(f"{where}: holds no image; name a folder that `anysyn synthesize` or `anysyn complete` wrote")
    return found


def _in_folder(root: Path) -> Iterator[Scene]:
    people = dict[str, list[Path]]()
    for folder in (root, *sorted(path for path in root.rglob("*") if path.is_dir())):
        for path in volumes_in(folder):
            whose = _WHOSE.match(path.name)
            people.setdefault(whose[1] if whose else folder.relative_to(root).as_posix(), []).append(path)
    return (Scene(name, together(files)) for name, files in people.items())


def together(files: Sequence[Path]) -> tuple[Layer, ...]:
    """Return images with their maps, by the form of their names: ``x_desc-error`` lies over ``x``.

    A map without its image is shown as an image.
    """
    maps: dict[str, list[Path]] = {}
    images: list[Path] = []
    for path in files:
        place = maps.setdefault(_without_description(path), []) if _MAP.search(stem(path)) else images
        place.append(path)
    layers = [_layer(path, maps.pop(_without_description(path), [])) for path in images]
    layers += [_layer(path, []) for left in maps.values() for path in left]
    return tuple(sorted(layers, key=lambda layer: (bool(_MASK.search(stem(layer.path))), layer.synthetic)))


def _without_description(path: Path) -> str:
    return _DESCRIPTION.sub("", stem(path))


def _layer(path: Path, maps: Sequence[Path]) -> Layer:
    over = tuple(Layer(_kind(each), each, synthetic=True) for each in maps)
    return Layer(stem(path), path, is_synthetic(sidecar_beside(path)), over)


def _kind(path: Path) -> str:
    match = _MAP.search(stem(path))
    return match["kind"] if match else stem(path)
