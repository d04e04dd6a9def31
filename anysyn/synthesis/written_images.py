"""Synthetic images on disk: written together with their sidecars, recognised, and replaced only if anysyn made them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from anysyn.data.errors import SidecarError, VolumeError
from anysyn.data.subjects.sidecars import read_sidecar
from anysyn.data.volumes.formats import check_written, files_of, read_header, sidecar_path
from anysyn.data.volumes.volume import Volume, write_volume
from anysyn.errors import UserError
from anysyn.files import replacing_pair, write_json
from anysyn.files.hashes import digest as digest
from anysyn.synthesis.notice import MARK

SOURCES = "SourceImages"  # of a sidecar; `Sources` is a list of BIDS URIs
MADE = "Synthetic image, not for clinical use. Made by anysyn"  # begins the description in their sidecars


def write_synthetic(volume: Volume, path: Path, record: Mapping[str, Any]) -> None:
    """Write a synthetic image and its sidecar, which names the hash of the image; both are whole or not there.

    The earlier sidecar goes, the image comes, then its sidecar: whatever stops in between, no sidecar lies beside
    another image than its own.

    Args:
        volume: The image.
        path: Its file; `check_replaceable` says whether it may be replaced.
        record: The sidecar.

    Raises:
        VolumeError: If they cannot be written; an earlier image and its sidecar are still there.
        OSError: If the sidecar cannot be written.
    """
    check_written(path)
    sidecar = sidecar_path(path)
    with replacing_pair(path, sidecar) as folder:
        image = folder / path.name
        try:
            write_volume(volume, image, description=MARK, overwrite=True)
        except VolumeError as error:
            raise VolumeError(str(error).replace(str(image), str(path))) from error
        write_json(folder / sidecar.name, {**record, "Image": {"file": path.name, "sha256": digest(image)}})


def source_record(path: Path) -> dict[str, Any]:
    """Return the entry of a sidecar about a source; it says so if the source is synthetic itself."""
    return {"file": path.name, "sha256": digest(*files_of(path)), **({"synthetic": True} if is_synthetic(path) else {})}


def sources_of(record: Mapping[str, Any]) -> Any:
    """Return the entry of a sidecar about the sources, by modality; earlier versions called it ``Sources``.

    Example:
        >>> sources_of({"SourceImages": {"T1w": {}}, "Sources": ["bids:raw:t1.nii.gz"]})
        {'T1w': {}}
        >>> sources_of({"Sources": {"T1w": {}}})
        {'T1w': {}}
    """
    return record.get(SOURCES, record.get("Sources"))


def is_synthetic(path: Path) -> bool:
    """Tell whether anysyn synthesized an image, by its sidecar or its header.

    Example:
        >>> is_synthetic(Path("nowhere.nii.gz"))
        False
    """
    return is_own(_sidecar(path)) or _is_marked(path)


def _is_marked(path: Path) -> bool:
    try:
        return read_header(path).description.startswith(MARK)
    except VolumeError:
        return False


def is_own(record: Mapping[str, Any] | None) -> bool:
    """Tell whether the content of a sidecar is that of a synthetic image of anysyn's.

    Example:
        >>> is_own({"Synthetic": True, "Description": MADE + ", recipe a."}), is_own({"EchoTime": 0.1})
        (True, False)
    """
    return record is not None and record.get("Synthetic") is True and str(record.get("Description")).startswith(MADE)


def whole_record(path: Path) -> dict[str, Any] | None:
    """Return the sidecar of a synthetic image that was written to the end; None for any other file.

    A sidecar counts if it names the hash of the image beside it.
    """
    record = _sidecar(path)
    if record is None or not is_own(record) or not path.is_file():
        return None
    image = record.get("Image")
    return record if isinstance(image, dict) and image.get("sha256") == digest(path) else None


def check_replaceable(path: Path, sources: Iterable[Path]) -> None:
    """Refuse to write where a file would be lost that anysyn did not make.

    Args:
        path: The image to write.
        sources: Files that it is made from.

    Raises:
        UserError: If the image or its sidecar is there and not anysyn's, or is a source or that of a source.
    """
    sidecar = sidecar_path(path)
    for source in sources:
        if _same(path, source):
            raise UserError(f"the output {path} is the source {source} itself; choose another name")
        if _same(sidecar, sidecar_path(source)):
            raise UserError(f"{path}: its sidecar {sidecar} is that of the source {source}; choose another name")
    _check_unshared(path, sidecar)
    for place, own in ((path, _is_marked(path) or whole_record(path)), (sidecar, is_own(_sidecar(path)))):
        if os.path.lexists(place) and (place.is_symlink() or not own):
            raise UserError(
                f"{place} was not made by anysyn, so it is left alone; choose another output, or move it away"
            )


def _check_unshared(path: Path, sidecar: Path) -> None:
    """Refuse to take the sidecar of another image, or to replace an image that was changed since it was made."""
    image = (_sidecar(path) or {}).get("Image")
    if not isinstance(image, dict):  # of an anysyn that noted no image
        return
    other = path.with_name(str(image.get("file")))
    if other.name != path.name and other.exists():
        raise UserError(f"{path}: its sidecar {sidecar} is that of {other}; choose another name")
    if path.is_file() and other.name == path.name and image.get("sha256") != digest(path):
        hint = f"{sidecar} names the hash of another image"
        raise UserError(
            f"{path} was not made by anysyn, or was changed since ({hint}), so it is left alone; choose another "
            "output, or move it away"
        )


def same(a: Any, b: Any) -> bool:
    """Tell whether two values are the same JSON.

    Example:
        >>> same({"edges": (1, 2)}, {"edges": [1, 2]})
        True
    """
    return bool(json.loads(json.dumps(a)) == json.loads(json.dumps(b)))


def _sidecar(path: Path) -> dict[str, Any] | None:
    try:
        return read_sidecar(sidecar_path(path))
    except SidecarError:
        return None


def _same(a: Path, b: Path) -> bool:
    return a.resolve() == b.resolve() or (a.exists() and b.exists() and a.samefile(b))
