"""The page of the viewer: images, NiiVue and a few lines that join them, in one file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from anysyn.data.records import Failure, listed
from anysyn.errors import UserError
from anysyn.files import write_text
from anysyn.text.escaping import one_line
from anysyn.viewer.embedded import embedded
from anysyn.viewer.scenes import Layer, Scene, scenes_of

MOST_LETTERS = 400_000_000  # more than a browser opens at ease


@dataclass(frozen=True)
class View:
    """A page of images.

    Args:
        page: The file.
        failures: Images that cannot be read.
    """

    page: Path
    failures: tuple[Failure, ...] = ()


def view(paths: Sequence[str | Path], *, out: str | Path, overwrite: bool = False) -> View:
    """Write images into one page that shows them with linked crosshairs, without a network.

    Args:
        paths: Image files, shown side by side, and folders, each person by itself; maps such as ``x_desc-error.nii.gz``
            lie over their image ``x.nii.gz``.
        out: The page, ``.html``.
        overwrite: Whether it may be replaced.

    Returns:
        The page, and the images that cannot be read.

    Raises:
        UserError: If there is no image, they are too many for a page, or the page exists or is no ``.html``.

    Example:
        >>> view(["nowhere.nii.gz"], out="view.html")
        Traceback (most recent call last):
        anysyn.errors.UserError: nowhere.nii.gz: is no image file; name images (.nii.gz, .mha, .nrrd, .mgz) or folders
    """
    page = Path(out)
    if page.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"{page}: the viewer is a page; call it {page.with_suffix('.html').name}")
    if page.exists() and not overwrite:
        raise UserError(f"{page} exists; allow replacing it with --overwrite, or choose another --out")
    text, failures = page_of([Path(path) for path in paths])
    write_text(page, text)
    return View(page, failures)


def page_of(paths: Sequence[Path]) -> tuple[str, tuple[Failure, ...]]:
    """Return the page of images and folders as text, and the images that cannot be read.

    Raises:
        UserError: If none can be read, or they are too many for a page.
    """
    failures: list[Failure] = []
    scenes = [_plain(scene, failures) for scene in scenes_of(paths)]
    if not any(scene["images"] for scene in scenes):
        raise UserError(f"none of the images can be read; the first: {failures[0].reason}")
    return render(scenes), tuple(failures)


def render(scenes: Sequence[Mapping[str, Any]]) -> str:
    """Return the page as text.

    Args:
        scenes: As plain mappings; what they say is data, whatever it looks like.

    Raises:
        UserError: If the images are too many for a page.
    """
    data = json.dumps(scenes, ensure_ascii=True).replace("<", "\\u003c")  # no name ends the element
    if len(data) > MOST_LETTERS:
        size = f"{len(data) / 1e6:.0f} MB"
        raise UserError(f"the images would make a page of {size}; name fewer files, or one subject's folder")
    home = files("anysyn") / "viewer"
    library, licence = (
        (home / "vendor" / name).read_text(encoding="utf-8") for name in ("niivue.umd.js", "LICENSE-niivue.txt")
    )
    environment = Environment(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string((home / "viewer.html").read_text(encoding="utf-8"))
    return template.render(library=library, licence=licence, scenes=data, version=version("anysyn"))


def _plain(scene: Scene, failures: list[Failure]) -> dict[str, Any]:
    return {"name": one_line(scene.name), "images": [each for one in scene.layers if (each := _image(one, failures))]}


def _image(layer: Layer, failures: list[Failure]) -> dict[str, Any] | None:
    with listed(failures, layer.name):
        shown = embedded(layer.path)
        maps = [each for one in layer.maps if (each := _image(one, failures))]
        about = {"name": one_line(layer.name), "synthetic": layer.synthetic, "maps": maps}
        return {**about, "data": shown.text, "low": shown.low, "high": shown.high, "note": shown.note}
    return None
