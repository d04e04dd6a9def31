"""The list of simulated and real people that `brain-mri` is trained on: ``python list_people.py --help``.

Its inputs are tables that ``anysyn data FOLDER --csv TABLE`` wrote.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

app = typer.Typer(add_completion=False)


@app.command()
def command(
    out: Annotated[Path, typer.Argument(help="CSV to write, for data.root.")],
    simulated: Annotated[str, typer.Option(help="Tables of simulated cohorts: a.csv,b.csv.")],
    real: Annotated[str, typer.Option(help="Tables of real people; none for a training on simulation alone.")] = "",
    without: Annotated[str, typer.Option(help="Real subjects to leave out: sub-07,sub-26.")] = "",
    times: Annotated[int, typer.Option(help="How often a real person is in the list.", min=1)] = 1,
    validation: Annotated[int, typer.Option(help="Last subjects of each cohort that choose the epoch.", min=0)] = 1,
) -> None:
    """Write one table of all people, with a split."""
    cohorts = [_split(_read(path), validation) for path in _paths(simulated)]
    people = [_repeated(_without(_read(path), without), times) for path in _paths(real)]
    table = pd.concat([*cohorts, *people], ignore_index=True).drop_duplicates()
    columns = [*(name for name in table.columns if not name.endswith("_mask"))]
    if out.exists():
        raise typer.BadParameter(f"{out} is there already; choose another name, or delete it")
    table[columns].to_csv(out, index=False)
    parts = ", ".join(f"{part} {count}" for part, count in table["split"].value_counts().items())
    print(f"{out}: {len(table)} subjects: {parts}")


def _paths(text: str) -> list[Path]:
    return [Path(name) for name in text.split(",") if name]


def _read(path: Path) -> pd.DataFrame:
    """Read a table, each subject named with its cohort, so that names of two cohorts never meet."""
    table = pd.read_csv(path, dtype=str)
    person = table["person"].fillna(table["subject"]) if "person" in table else table["subject"]
    table["person"] = f"{path.stem}-" + person
    table["subject"] = f"{path.stem}-" + table["subject"]
    return table.assign(dataset="brain")


def _split(table: pd.DataFrame, validation: int) -> pd.DataFrame:
    last = len(table) - validation
    return table.assign(split=["train" if row < last else "validation" for row in range(len(table))])


def _without(table: pd.DataFrame, names: str) -> pd.DataFrame:
    left_out = {name for name in names.split(",") if name}
    return table[[not any(name in subject for name in left_out) for subject in table["subject"]]]


def _repeated(table: pd.DataFrame, times: int) -> pd.DataFrame:
    copies = [table.assign(subject=table["subject"] + f"-{n}", split="train") for n in range(times)]
    return pd.concat(copies, ignore_index=True)


if __name__ == "__main__":
    app()
