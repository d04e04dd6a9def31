"""What is there for anysyn: versions, devices, extras, caches, plugins, packaged runs; in a form that can be pasted."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from pathlib import Path
from typing import Any

from anysyn.errors import reason
from anysyn.packaged.listing import models
from anysyn.plugins import GROUP, enrol_plugins
from anysyn.versions import versions

REQUIREMENT = re.compile(r"^(?P<name>[\w.-]+).*?(?:extra\s*==\s*[\"'](?P<extra>[\w-]+)[\"'])?\s*$")
FOR_DEVELOPERS = ("dev",)


@dataclass(frozen=True)
class Examination:
    """What is there for anysyn; no name of a user, no secret, no path but below ``~``.

    Args:
        versions: Of Python and of what computes.
        system: Operating system and processor.
        devices: Where networks can run.
        extras: By extra, the packages that it lacks.
        caches: By use, the folder, and whether it is there.
        plugins: Names of the installed plugins, each with what is wrong with it.
        packaged: Names of the packaged runs, each with what is wrong with it.
        failures: What has to be mended before anysyn works.

    Example:
        >>> nothing = {"devices": (), "caches": {}, "plugins": (), "packaged": (), "failures": ()}
        >>> there = {"versions": {"anysyn": "1.0"}, "system": "Linux", "extras": {"hub": ["x"]}}
        >>> for line in Examination(**there, **nothing).lines():
        ...     print(line)
        versions: anysyn 1.0
        system: Linux
        devices: none
        extras: hub lacks x (pip install 'anysyn[hub]')
        caches: none
        plugins: none
        packaged runs: none
    """

    versions: Mapping[str, str]
    system: str
    devices: tuple[str, ...]
    extras: Mapping[str, list[str]]
    caches: Mapping[str, str]
    plugins: tuple[str, ...]
    packaged: tuple[str, ...]
    failures: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield a line for each."""
        yield f"versions: {_listed(f'{name} {number}' for name, number in self.versions.items())}"
        yield f"system: {self.system}"
        yield f"devices: {_listed(self.devices)}"
        yield f"extras: {_listed((_extra(name, lacking) for name, lacking in self.extras.items()), '; ')}"
        yield f"caches: {_listed((f'{use}: {folder}' for use, folder in self.caches.items()), '; ')}"
        yield f"plugins: {_listed(self.plugins, '; ')}"
        yield f"packaged runs: {_listed(self.packaged, '; ')}"

    def record(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return asdict(self)


def doctor() -> Examination:
    """Look at what is there for anysyn; nothing is changed and nothing is downloaded.

    Example:
        >>> "anysyn" in doctor().versions
        True
    """
    devices, broken = _devices()
    lacking = _lacking()
    failures = [f"{name} is missing; install anysyn again" for name in lacking.pop("", [])]
    return Examination(
        versions=versions(),
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        devices=devices,
        extras={name: packages for name, packages in lacking.items() if name not in FOR_DEVELOPERS},
        caches=_caches(),
        plugins=tuple(_plugins()),
        packaged=tuple(_packaged()),
        failures=(*failures, *broken),
    )


def _devices() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the devices, and why there are none to be found."""
    try:
        import torch
    except Exception as error:  # a library that it needs is missing, or too old
        return (), (f"torch does not import ({reason(error)}); install it as https://pytorch.org says",)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = [f"cpu ({cores} cores, {torch.get_num_threads()} threads)"]
    for number in range(torch.cuda.device_count()):
        about = torch.cuda.get_device_properties(number)
        found.append(f"gpu {number} ({about.name}, {about.total_memory / 1e9:.0f} GB)")
    if torch.backends.mps.is_available():
        found.append("mps")
    return tuple(found), ()


def _lacking() -> dict[str, list[str]]:
    """Return by extra the packages that are missing; those that every command needs under the empty name."""
    lacking = dict[str, list[str]]()
    for line in requires("anysyn") or ():
        found = REQUIREMENT.match(line)
        if found is None:
            continue
        missing = lacking.setdefault(found["extra"] or "", [])
        if not _installed(found["name"]):
            missing.append(found["name"])
    return lacking


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def _caches() -> dict[str, str]:
    """Return the folders of what is downloaded and of what is prepared for all runs."""
    from huggingface_hub.constants import HF_HUB_CACHE

    found = {"checkpoints of the Hugging Face hub": _there(Path(HF_HUB_CACHE))}
    with suppress(ImportError):  # without torch, which is said elsewhere
        from anysyn.data.loading.cache import user_cache

        found["prepared images"] = _there(user_cache())
    return found


def _there(folder: Path) -> str:
    return f"{pasteable(folder)} ({'there' if folder.is_dir() else 'empty'})"


def pasteable(path: Path, home: Path | None = None) -> str:
    """Return a path without the name of a user: below the home with ``~``, of any other its last name alone.

    Args:
        path: An absolute path.
        home: The home; that of the user by default.

    Example:
        >>> home = Path("/people/ann")
        >>> pasteable(home / ".cache" / "x", home), pasteable(Path("/scratch/ann/x"), home)
        ('~/.cache/x', '.../x')
    """
    base = Path.home() if home is None else home
    return f"~/{path.relative_to(base).as_posix()}" if path.is_relative_to(base) else f".../{path.name}"


def _plugins() -> Iterator[str]:
    points = entry_points(group=GROUP)
    broken = enrol_plugins() if points else []
    yield from (line.replace(str(Path.home()), "~") for line in broken)
    faulty = {point.name for point in points for line in broken if line.startswith(f"plugin {point.name!r} ")}
    yield from (point.name for point in points if point.name not in faulty)


def _packaged() -> Iterator[str]:
    found = models()
    yield from (f"{card.name} {card.about.get('version', '')}".strip() for card in found.cards)
    yield from (line.replace(str(found.folder), pasteable(found.folder)) for line in found.failures)


def _extra(name: str, lacking: list[str]) -> str:
    return f"{name} lacks {', '.join(lacking)} (pip install 'anysyn[{name}]')" if lacking else name


def _listed(items: Any, between: str = ", ") -> str:
    return between.join(items) or "none"
