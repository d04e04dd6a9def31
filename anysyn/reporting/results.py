"""Results: the folder that an evaluation wrote, found and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.errors import UserError
from anysyn.evaluation.examples import Example, read_example
from anysyn.evaluation.tables.cases_table import read_cases
from anysyn.files import read_json
from anysyn.training.run_folder.folder import RunFolder

CASES, RECORD = "cases.csv", "protocol.json"
RECORDED = ("run", "data", "split", "seed", "protocol", "digest", "notes", "failures", "versions")


@dataclass(frozen=True)
class Results:
    """What an evaluation wrote.

    Args:
        folder: Where it lies.
        cases: One row for each subject, method and pair.
        record: What was asked for, under which protocol, and what failed.
        examples: In the order of the pairs of the cases.
        unread: Examples that cannot be read, and why.
    """

    folder: Path
    cases: pd.DataFrame
    record: Mapping[str, Any]
    examples: tuple[Example, ...]
    unread: tuple[str, ...]


def find_results(run: RunFolder, results: str | Path | None = None) -> Path | None:
    """Return the folder of the results: the one named, or the run's latest, or None where there is none.

    Args:
        run: The run. Its ``evaluation.json`` says where the latest evaluation went; where that is gone, as after the
            run folder was moved, its own ``evaluation`` counts.
        results: A folder of results.

    Raises:
        UserError: If the folder named holds no results.

    Example:
        >>> find_results(RunFolder(Path("nowhere"))) is None
        True
    """
    if results is not None:
        if (Path(results) / CASES).is_file():
            return Path(results)
        if any(Path(results).glob("*/record.json")):
            return None  # findings of probes alone
        raise UserError(f"{results} holds no {CASES}: it is no folder of results; make one with `anysyn evaluate`")
    pointer, own = run.path / "evaluation.json", run.path / "evaluation"
    latest = run.path / run.read(pointer.name)["results"] if pointer.is_file() else own
    return next((folder for folder in (latest, own) if (folder / CASES).is_file()), None)


def read_results(folder: Path) -> Results:
    """Read a folder of results; an example that cannot be read is listed and costs nothing else.

    Raises:
        UserError: If its cases or its record cannot be read.
    """
    try:
        cases = read_cases(folder / CASES)
        record = read_json(folder / RECORD)
        missing = [name for name in RECORDED if name not in record]
        if missing:
            raise UserError(f"{RECORD} does not hold {', '.join(missing)}")
    except (OSError, ValueError, TypeError) as error:  # pandas and JSON raise kinds of ValueError
        raise UserError(f"{folder}: its results cannot be read ({error}); evaluate again") from error
    examples, unread = [], []
    for path in sorted((folder / "examples").glob("*.npz")):
        try:
            examples.append(read_example(path))
        except UserError as error:
            unread.append(str(error))
    return Results(folder, cases, record, _ordered(examples, cases), tuple(unread))


def chosen(examples: Sequence[Example], most: int) -> tuple[Example, ...]:
    """Keep the first example of every pair, and further ones until there are ``most``.

    Example:
        >>> empty = {"truth": (), "mask": (), "predictions": {}, "values": {}, "spacing": (1, 1, 1), "dataset": ""}
        >>> three = [Example(subject=s, target=t, sources={"T1w": ()}, **empty) for s, t in ("aX", "bX", "aY")]
        >>> [example.subject + example.target for example in chosen(three, 2)]
        ['aX', 'aY']
    """
    pairs = [pair_of(example) for example in examples]
    first = [pair not in pairs[:i] for i, pair in enumerate(pairs)]
    room = max(0, most - sum(first))
    further = [i for i, is_first in enumerate(first) if not is_first][:room]
    return tuple(example for i, example in enumerate(examples) if first[i] or i in further)


def pair_of(example: Example) -> str:
    """Write the pair of an example as tables do."""
    return f"{'+'.join(example.sources)}:{example.target}"


def _ordered(examples: Sequence[Example], cases: pd.DataFrame) -> tuple[Example, ...]:
    order = list((cases["sources"] + ":" + cases["target"]).unique())
    places = {pair: place for place, pair in enumerate(order)}
    return tuple(sorted(examples, key=lambda example: places.get(pair_of(example), len(places))))
