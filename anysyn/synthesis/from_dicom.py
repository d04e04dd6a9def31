"""Synthesis from DICOM series as sources, and to a DICOM series beside the images."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anysyn.data.modalities import modality
from anysyn.data.volumes.formats import is_volume
from anysyn.data.volumes.volume import read_volume
from anysyn.errors import UserError
from anysyn.scans.dicom import Series, convert, write_series
from anysyn.scans.dicom.opening import begins_as_dicom
from anysyn.synthesis.beside import Synthesized
from anysyn.synthesis.files import synthesize
from anysyn.synthesis.given_run import GivenRun
from anysyn.text.several import several


def synthesize_with_dicom(
    run: GivenRun,
    *,
    sources: Mapping[str, str | Path],
    targets: str | Sequence[str],
    out: str | Path,
    dicom: str | Path | None = None,
    resample_to: str | None = None,
    say: Callable[[str], None] = print,
    **options: Any,
) -> list[Path]:
    """Synthesize images as `synthesize` does, from volumes or DICOM, and write DICOM series as well if asked to.

    Args:
        run: As for `synthesize`.
        sources: By modality a volume, or a folder, ZIP or file of DICOM with a series of it.
        targets: As for `synthesize`.
        out: As for `synthesize`.
        dicom: Folder for a series by target, in a folder named for it; nothing in them is overwritten.
        resample_to: As for `synthesize`.
        say: Gets a line for each decision in the conversion.
        options: Other arguments of `synthesize`.

    Returns:
        The images, what is beside them, and the folders of the series.

    Raises:
        UserError: As `synthesize`, and if a series cannot be used, or no source is DICOM and a series is to be written.
    """
    targets = several(targets)
    with tempfile.TemporaryDirectory(prefix="anysyn-") as folder:
        series = {modality(name).name: one for name, one in _converted(sources, Path(folder), say).items()}
        reference = series.get(modality(resample_to or next(iter(sources))).name)
        if dicom is not None:
            _check_written(Path(dicom), targets, reference, resample_to or next(iter(sources), ""))
        files = {name: series[modality(name).name].path if _is_dicom(path) else path for name, path in sources.items()}
        known = {name: one.acquisition for name, one in series.items()}
        asked: dict[str, Any] = {"targets": targets, "out": out, "resample_to": resample_to, "known": known}
        written = synthesize(run, sources=files, **asked, **options)
        if dicom is None or reference is None:
            return written
        return [*written, *_series_of(written[: len(targets)], targets, reference, list(sources), Path(dicom))]


def _is_dicom(path: str | Path) -> bool:
    """Tell whether a source is to be converted: a folder, a ZIP or a DICOM file, whatever it is called."""
    path = Path(path)
    return not is_volume(path) and (not path.is_file() or path.suffix.lower() == ".zip" or begins_as_dicom(path))


def _converted(sources: Mapping[str, str | Path], folder: Path, say: Callable[[str], None]) -> dict[str, Series]:
    converted = {}
    for name, path in sources.items():
        if _is_dicom(path):
            converted[name] = _series_in(Path(path), modality(name).name, folder / modality(name).name, say)
    return converted


def _series_in(path: Path, name: str, folder: Path, say: Callable[[str], None]) -> Series:
    """Return the one series of a contrast in a place; if there is none, the message says why."""
    conversion = convert(path, folder, contrast=name)
    if not conversion.series:
        reasons = "; ".join(failure.reason for failure in conversion.left_out[:5])
        raise UserError(f"--source {name}={path}: has no series of {name}: {reasons}")
    if len(conversion.series) > 1:
        raise UserError(f"--source {name}={path}: has {name} of several people or days; name the folder of one series")
    for line in (*conversion.series[0].remarks, *(failure.reason for failure in conversion.left_out)):
        say(f"{name}: {line}")
    return conversion.series[0]


def _check_written(dicom: Path, targets: list[str], reference: Series | None, source: str) -> None:
    if reference is None:
        raise UserError(
            f"--dicom {dicom}: the source {source} is no DICOM, whose study a series needs; leave --dicom out"
        )
    for target in targets:
        place = dicom / modality(target).name
        if place.exists() and (not place.is_dir() or any(place.iterdir())):
            raise UserError(f"--dicom {dicom}: {place} is there, and no series is replaced; choose another folder")


def _series_of(
    images: list[Path], targets: list[str], reference: Series, sources: list[str], dicom: Path
) -> list[Path]:
    names = [modality(target).name for target in targets]
    made_from = [modality(source).name for source in sources]
    folders = []
    for name, image in zip(names, images, strict=True):
        write_series(read_volume(image), reference.headers, dicom / name, target=name, made_from=made_from)
        folders.append(dicom / name)
    return folders


@dataclass(frozen=True)
class SeriesBeside:
    """Writes a DICOM series beside each synthesis of one person, into a folder named for its modality.

    Args:
        folder: Of the person's series.
        headers: Of the series whose study and place they get.
    """

    folder: Path
    headers: Sequence[Any]

    def lacking(self, made: Synthesized, *, overwrite: bool) -> dict[str, Path]:
        """Return the images that have no series yet; a series is never replaced.

        Args:
            made: Images that are there, or will be.
            overwrite: Whether the images are made anew, so that a series that is there would be of another.

        Raises:
            UserError: If a series is there and may not stay.
        """
        there = [name for name in made.images if any((self.folder / name).glob("*"))]
        if there and overwrite:
            raise UserError(f"--dicom: {self.folder / there[0]} is there, and no series is replaced; move it away")
        return {name: path for name, path in made.images.items() if name not in there}

    def write(self, made: Synthesized) -> list[Path]:
        """Write the series, and return their folders."""
        for name, image in made.images.items():
            write_series(
                read_volume(image), self.headers, self.folder / name, target=name, made_from=list(made.sources)
            )
        return [self.folder / name for name in made.images]
