"""Names of packaged runs: where they lie, and which one a name means."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from anysyn.files import read_json
from anysyn.files.manifest import MANIFEST
from anysyn.packaged.hub import address_of, fetched

MADE_BY, RECIPE, CARD = "anysyn pack", "recipe.yaml", "README.md"


def own_packages() -> Path:
    """Return the folder of the packaged runs that come with anysyn; it is missing if none does.

    Example:
        >>> own_packages().name
        'weights'
    """
    return Path(str(files("anysyn"))) / "weights"


def folder_of(packages: Path | None) -> Path:
    """Return a folder of packaged runs; None is that of anysyn.

    Example:
        >>> folder_of(None) == own_packages()
        True
    """
    return own_packages() if packages is None else packages


def packaged_names(packages: Path | None = None) -> list[str]:
    """List the packaged runs of a folder, sorted.

    Args:
        packages: The folder; that of anysyn by default.

    Example:
        >>> packaged_names(Path("nowhere"))
        []
    """
    folder = folder_of(packages)
    return sorted(path.parent.name for path in folder.glob(f"*/{RECIPE}") if not path.parent.name.startswith("."))


def packaged_run(name: str | Path, packages: Path | None = None) -> Path | None:
    """Return the folder of the packaged run of a name; None if there is none, or if it is no name but a path.

    Args:
        name: The name, or an address in the hub, ``hf://owner/name``.
        packages: The folder of packaged runs; that of anysyn by default.

    Raises:
        UserError: If it is an address of which nothing can be fetched, or a web address.

    Example:
        >>> packaged_run("../elsewhere") is None
        True
    """
    text, address = str(name), address_of(name)
    if address is not None:
        return fetched(address)
    return folder_of(packages) / text if text in packaged_names(packages) else None


def is_packaged(folder: Path) -> bool:
    """Tell whether `anysyn pack` made a folder, wherever it lies: then nothing is written into it.

    Example:
        >>> is_packaged(Path("nowhere"))
        False
    """
    try:
        return bool(read_json(folder / MANIFEST)["made_by"] == MADE_BY)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def hides(run: str | Path, packages: Path | None = None) -> str | None:
    """Return the note that a folder is taken, and not the packaged run of the same name; None if there is no such.

    Args:
        run: What was named.
        packages: The folder of packaged runs; that of anysyn by default.

    Example:
        >>> hides("nowhere") is None
        True
    """
    packaged = packaged_run(run, packages) if os.path.isdir(run) else None  # no error for a name of 300 letters
    return None if packaged is None else f"note: {run} is the folder here, not the packaged run {packaged}"
