"""The tables of a reading study (PMM-Synth, Table 4): ``python benchmarks/reading_study/tables.py STUDY.csv``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anysyn.errors import UserError

EXAMPLE = Path(__file__).with_name("example.csv")
SIMILARITY = (
    "Similarity of the findings to the same reader's on real images: clauses matched in both directions, by their words"
)
SIMILAR = ("similarity", "similarity_sd")
DIAGNOSES = "Diagnoses, those of the same reader on real images as truth"


def main(
    study: Annotated[Path, typer.Argument(help="CSV: case, reader, setting, findings, impression.")] = EXAMPLE,
) -> None:
    """Print the similarity of the findings and the scores of the diagnoses as Markdown."""
    try:
        typer.echo(tables(study))
    except UserError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def tables(study: Path) -> str:
    """Return both tables of a study as Markdown.

    Args:
        study: CSV or TSV, as `anysyn.evaluation.reading_study.study.read_study` reads it.
    """
    from anysyn.evaluation.reading_study.study import findings_table, impression_table, read_study, unpaired
    from anysyn.evaluation.tables.format import markdown, number

    reports = read_study(study)
    similar, scores = findings_table(reports), impression_table(reports)
    words = ["MADE-UP EXAMPLE, of nobody."] if study.resolve() == EXAMPLE.resolve() else []
    lone = [f"{one.reader}, case {one.case}, {one.setting}" for one in unpaired(reports)]
    if lone:
        words.append(f"Left out, without a report of real images beside them: {len(lone)}; the first: {lone[0]}.")
    first = [
        [row["reader"], row["setting"], str(row["cases"]), *(number(row[name], 3) for name in SIMILAR)]
        for row in similar.to_dict("records")
    ]
    second = [
        [row["reader"], row["setting"], row["label"], *(number(row[name], 3) for name in ("precision", "recall", "f1"))]
        for row in scores.to_dict("records")
    ]
    parts = [*words, f"{SIMILARITY}.", markdown(["reader", "setting", "cases", "similarity", "sd"], *first)]
    parts += [f"{DIAGNOSES}.", markdown(["reader", "setting", "label", "precision", "recall", "F1"], *second)]
    return "\n\n".join(parts)


if __name__ == "__main__":
    typer.run(main)
