"""How often `anysyn check` finds misfits, and doubts what fits: ``python benchmarks/suitability.py --help``."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

ANOTHER = "another contrast"
app = typer.Typer(add_completion=False)


class Scan(NamedTuple):
    """An image in standard axes: whose, what, (X, Y, Z) voxels, edges in mm."""

    key: str
    name: str
    image: Any
    spacing: tuple[float, ...]


class Case(NamedTuple):
    """A scan handed in as a contrast, and whether it suits the run."""

    kind: str
    fits: bool
    name: str
    scan: Scan


@app.command()
def command(
    run: Annotated[Path, typer.Argument(help="Run folder with a profile.json.")],
    part: Annotated[
        str, typer.Option(help="Subjects of the run: validation to choose limits, test to report.")
    ] = "test",
    data: Annotated[
        Path | None, typer.Option(help="Another cohort instead of the run's own, all of its subjects.")
    ] = None,
    fit: Annotated[list[Path] | None, typer.Option(help="More that fits: cohorts of other centres.")] = None,
    misfit: Annotated[list[str] | None, typer.Option(help="skull=FOLDER, organ=FOLDER: scans that do not.")] = None,
    case: Annotated[
        list[str] | None,
        typer.Option(help="Only these, e.g. 'another contrast'; repeat for more."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of noise, shading and rotation.")] = 0,
    most: Annotated[int, typer.Option(help="Images of a folder at most.")] = 24,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print each miss and each false alarm.")] = False,
) -> None:
    """Print, by kind of case, how many were passed, warned about and refused.

    A misfit that is passed is a miss; a fitting scan that is warned about or refused is a false alarm.
    """
    from anysyn.errors import explain

    try:
        for line in _lines(run, part, data, fit or [], misfit or [], case or [], seed, most, verbose):
            typer.echo(line)
    except Exception as error:
        if (lines := explain(error)) is None:
            raise
        typer.echo("\n".join(lines), err=True)
        raise typer.Exit(1) from None


def _lines(
    run: Path,
    part: str,
    data: Path | None,
    fit: list[Path],
    misfit: list[str],
    only: list[str],
    seed: int,
    most: int,
    verbose: bool,
) -> Iterator[str]:
    import torch

    from anysyn.data.modalities import modality
    from anysyn.errors import UserError
    from anysyn.suitability import Profile, appearance_of, judge
    from anysyn.synthesis import load_run

    loaded = load_run(run, accelerator="cpu")
    profile = Profile.from_json(loaded.folder.read("profile.json"))
    names = list(profile.groups)
    subjects = loaded.subjects(data, "all" if data else part)[0]
    own = list(_scans(subjects, names, most))
    generator = torch.Generator().manual_seed(seed)
    known = ["as it is", ANOTHER, *FITTING, *SPOILING]
    if unknown := [kind for kind in only if kind not in known]:
        raise UserError(f"--case {unknown[0]!r}: choose among {', '.join(known)}")
    cases = [*_made(own, names, only or known, generator)]
    for folder in fit:
        cases += [
            Case("another centre", True, s.name, s) for s in _scans(loaded.subjects(folder, "all")[0], names, most)
        ]
    for word in misfit:
        kind, _, folder = word.partition("=")
        cases += [Case(kind, False, s.name, s) for s in _folder(Path(folder), names, most)]
    counts, totals = dict[tuple[bool, str], Counter[str]](), {True: Counter[str](), False: Counter[str]()}
    for case in cases:
        seen = appearance_of(case.scan.image, case.scan.spacing, modality(case.name).family)
        verdict = judge(profile, {case.name: seen})
        counts.setdefault((case.fits, case.kind), Counter())[verdict.level] += 1
        totals[case.fits][verdict.level] += 1
        if verbose and (verdict.level == "pass") != case.fits:
            yield f"  {case.kind}: {case.scan.key} {case.scan.name} as {case.name}: {'; '.join(verdict.lines())}"
    yield f"{'case':34} {'pass':>5} {'warn':>5} {'refuse':>6}"
    for (fits, kind), levels in sorted(counts.items()):
        words = f"{'fits' if fits else 'misfit'}: {kind}"
        yield f"{words:34} {levels['pass']:5} {levels['warn']:5} {levels['refuse']:6}"
    for fits, words in ((False, "misfits found"), (True, "false alarms")):
        levels = totals[fits]
        yield f"{words}: {levels['warn'] + levels['refuse']} of {levels.total()}, refused {levels['refuse']}"


def _scans(subjects: Sequence[Any], names: Sequence[str], most: int) -> Iterator[Scan]:
    """Read evenly spread subjects, at most so many images."""
    from anysyn.data.prepare import Canonical
    from anysyn.data.volumes.study import read_study

    count = min(len(subjects), max(1, most // len(names)))
    for subject in (subjects[n * len(subjects) // count] for n in range(count)):
        for name in (name for name in names if name in subject.images):
            study, _ = Canonical().forward(read_study(subject, modalities=[name]))
            yield Scan(subject.key, name, study.images[name], study.grid.voxel_size)


def _folder(folder: Path, names: Sequence[str], most: int) -> Iterator[Scan]:
    """Read the scans of a folder, whatever it is of, that the run has a name for."""
    from anysyn.data.subjects.find import find_subjects

    able = [s for s in find_subjects(folder).subjects if any(name in s.images for name in names)]
    yield from _scans(able, names, most)


def _made(scans: Sequence[Scan], names: Sequence[str], kinds: Sequence[str], generator: Any) -> Iterator[Case]:
    """Make cases of some kinds from scans that suit the run."""
    for scan in scans:
        if "as it is" in kinds:
            yield Case("as it is", True, scan.name, scan)
        for changes, fits in ((FITTING, True), (SPOILING, False)):
            for kind in (kind for kind in changes if kind in kinds):
                yield Case(kind, fits, scan.name, changes[kind](scan, generator))
    for scan, name in itertools.product(scans, names):
        if name != scan.name and ANOTHER in kinds:
            yield Case(f"{scan.name} as {name}", False, name, scan)


Change = Callable[[Scan, Any], Scan]


def _with(image: Callable[[Any], Any]) -> Change:
    return lambda scan, _: scan._replace(image=image(scan.image))


def _noisy(scan: Scan, generator: Any) -> Scan:
    """Add Rician noise of 2 % of the brightest tissue, inside the head or brain."""
    import torch

    sigma = 0.02 * float(torch.quantile(scan.image[scan.image > 0][::7], 0.99))
    one, two = (sigma * torch.randn(scan.image.shape, generator=generator) for _ in range(2))
    return scan._replace(image=torch.where(scan.image != 0, torch.hypot(scan.image + one, two), scan.image))


def _shaded(scan: Scan, generator: Any) -> Scan:
    """Multiply by a smooth field of +-10 %."""
    import torch
    from torch.nn.functional import interpolate

    field = interpolate(0.9 + 0.2 * torch.rand(1, 1, 3, 3, 3, generator=generator), scan.image.shape, mode="trilinear")[
        0, 0
    ]
    return scan._replace(image=scan.image * field)


def _rotated(scan: Scan, generator: Any) -> Scan:
    """Turn the head by up to 8 degrees about each axis."""
    import torch
    from scipy.ndimage import affine_transform
    from scipy.spatial.transform import Rotation

    angles = 16 * torch.rand(3, generator=generator).numpy() - 8
    matrix = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    matrix = matrix * scan.spacing / [[edge] for edge in scan.spacing]
    middle = [(n - 1) / 2 for n in scan.image.shape]
    image = affine_transform(scan.image.numpy(), matrix, middle - matrix @ middle, order=1)
    return scan._replace(image=torch.from_numpy(image))


def _resampled(*edges: float) -> Change:
    """Average onto, or interpolate to, voxels of other edges in mm."""

    def change(scan: Scan, _: Any) -> Scan:
        from torch.nn.functional import interpolate

        pairs = zip(scan.image.shape, scan.spacing, edges, strict=True)
        counts = [max(1, round(n * old / new)) for n, old, new in pairs]
        finer = all(new <= old for old, new in zip(scan.spacing, edges, strict=True))
        image = interpolate(scan.image[None, None], counts, mode="trilinear" if finer else "area")[0, 0]
        return scan._replace(image=image, spacing=edges)

    return change


def _half(axis: int, first: bool) -> Change:
    """Blacken half of the image, as a mask that failed does."""

    def change(image: Any) -> Any:
        places = (image > 0).sum([other for other in range(3) if other != axis]).cumsum(0)
        middle = int((places < places[-1] / 2).sum())
        blank = image.clone()
        blank.movedim(axis, 0)[slice(0, middle) if first else slice(middle, None)] = 0
        return blank

    return _with(change)


def _noise(scan: Scan, generator: Any) -> Scan:
    """Return nothing but noise."""
    import torch

    return scan._replace(image=torch.rand(scan.image.shape, generator=generator))


FITTING: dict[str, Change] = {
    "2 % noise": _noisy,
    "10 % shading": _shaded,
    "rotation up to 8 degrees": _rotated,
    "1 mm voxels": _resampled(1.0, 1.0, 1.0),
    "3 mm voxels": _resampled(3.0, 3.0, 3.0),
}
SPOILING: dict[str, Change] = {
    "upside down": _with(lambda image: image.flip(2)),
    "back to front": _with(lambda image: image.flip(1)),
    "left half missing": _half(0, True),
    "lower half missing": _half(2, True),
    "10 mm slices": _resampled(2.0, 2.0, 10.0),
    "nothing but noise": _noise,
}

if __name__ == "__main__":
    app()
