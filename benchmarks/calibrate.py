"""Find the levels of corruptions for a given input PSNR: ``python benchmarks/calibrate.py --help``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False)


@app.command()
def command(
    psnr: Annotated[str, typer.Option(help="dB: 28.7,19.9 for every corruption, or gaussian=28.7,19.9 motion=27.")],
    data: Annotated[Path | None, typer.Option(help="Your subjects: BIDS, BraTS-like folders or a CSV file.")] = None,
    run: Annotated[Path | None, typer.Option(help="Run that prepares them; its test subjects by default.")] = None,
    modality: Annotated[str, typer.Option(help="Which image of each subject is corrupted.")] = "T1w",
    subjects: Annotated[int, typer.Option(help="How many, spread over all; more are more exact.")] = 8,
    seed: Annotated[int, typer.Option(help="As in the evaluation.")] = 0,
    out: Annotated[Path | None, typer.Option(help="CSV file for the levels.")] = None,
) -> None:
    """Print the level of each corruption at which your images have each wanted input PSNR.

    PSNR is over the whole image before any clipping, 1 being the 99.5th percentile of the foreground. The first printed
    column goes into a table's task, or into `anysyn.evaluation.evaluate(..., corruption=...)`.
    """
    from anysyn.errors import explain

    try:
        for line in _lines(_wanted(psnr), data, run, modality, subjects, seed, out):
            typer.echo(line)
    except Exception as error:
        if (lines := explain(error)) is None:
            raise
        typer.echo("\n".join(lines), err=True)
        raise typer.Exit(1) from None


def _wanted(text: str) -> dict[str, list[float]]:
    """Read the PSNR wanted of each corruption."""
    from anysyn.errors import UserError
    from anysyn.evaluation.degradation.corruptions import kind_of
    from anysyn.plugins import enrol
    from anysyn.registry import names

    enrol()
    wanted = dict[str, list[float]]()
    for word in text.split():
        name, equals, values = word.rpartition("=")
        try:
            numbers = [float(value) for value in values.split(",")]
        except ValueError:
            raise UserError(f"--psnr {word!r} cannot be read; write 28.7,19.9 or gaussian=28.7,19.9") from None
        for kind in [kind_of(name).name] if equals else names("corruption"):
            wanted[kind] = numbers
    return wanted


def _lines(
    wanted: dict[str, list[float]],
    data: Path | None,
    run: Path | None,
    modality: str,
    subjects: int,
    seed: int,
    out: Path | None,
) -> Iterator[str]:
    import pandas as pd

    from anysyn.errors import UserError
    from anysyn.evaluation.degradation.calibration import calibrate
    from anysyn.files import write_text

    if out and out.exists():
        raise UserError(f"{out} exists, and nothing is overwritten; choose another --out, or move it away")
    scans = _scans(data, run, modality, subjects)
    yield f"{len(scans)} images of {modality}; input PSNR in dB, mean ± sd over images"
    rows = []
    for name, values in wanted.items():
        for psnr in values:
            result = calibrate(name, psnr, scans, seed=seed)
            spread = f"{result.reached.mean:.2f} ± {result.reached.sd:.2f}"
            yield f"{result.corruption!s:24} wanted {psnr:.2f}  reached {spread}"
            rows.append(
                {"corruption": name, "level": result.corruption.level, "wanted": psnr, **result.reached._asdict()}
            )
    if out:
        write_text(out, pd.DataFrame(rows).to_csv(index=False))
        yield f"written: {out}"


def _scans(data: Path | None, run: Path | None, modality: str, count: int) -> list[tuple[object, str]]:
    """Read evenly spread subjects, prepared as by the run, or only reoriented to the standard axes."""
    from anysyn.data.modalities import modality as known
    from anysyn.data.prepare import Canonical
    from anysyn.data.subjects.find import find_subjects
    from anysyn.data.volumes.study import read_study
    from anysyn.errors import UserError
    from anysyn.synthesis import load_run

    if data is None and run is None:
        raise UserError("give the images: --data FOLDER, --run RUN, or both")
    name, loaded = known(modality).name, load_run(run, accelerator="cpu") if run else None
    subjects = loaded.subjects(data, "all" if data else "test")[0] if loaded else find_subjects(data).subjects
    able = [subject for subject in subjects if name in subject.images]
    if not able:
        raise UserError(f"{data or run}: none of {len(subjects)} subjects has {name}; choose another --modality")

    def read(subject):
        return loaded.prepare(subject) if loaded else Canonical().forward(read_study(subject, modalities=[name]))[0]

    return [(read(subject), name) for subject in _spread(able, count)]


def _spread(items: Sequence[object], count: int) -> list[object]:
    """Choose a number of items at even distances, from the first on."""
    count = min(max(1, count), len(items))
    return [items[n * len(items) // count] for n in range(count)]


def read_levels(path: Path | None) -> dict[str, dict[str, float]]:
    """Read the file that ``--out`` wrote; the highest input PSNR of a corruption is its minor severity.

    Args:
        path: CSV file with the columns corruption, level and wanted; nothing is read, if None.

    Returns:
        The level by corruption and severity.

    Raises:
        UserError: If a column is missing, or a corruption does not have one level for each severity.
    """
    import pandas as pd

    from anysyn.errors import UserError
    from anysyn.evaluation.degradation.corruptions import SEVERITIES

    if path is None:
        return {}
    rows = pd.read_csv(path)
    if missing := {"corruption", "level", "wanted"} - set(rows.columns):
        raise UserError(f"{path}: no column {', '.join(sorted(missing))}; write it with benchmarks/calibrate.py --out")
    levels_of = {}
    for name, part in rows.groupby("corruption", sort=False):
        if len(part) != len(SEVERITIES):
            raise UserError(f"{path}: {name}: {len(part)} levels, not one each for {', '.join(SEVERITIES)}")
        levels = part.sort_values("wanted", ascending=False)["level"]
        levels_of[str(name)] = dict(zip(SEVERITIES, map(float, levels), strict=True))
    return levels_of


if __name__ == "__main__":
    app()
