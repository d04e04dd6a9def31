"""The folder of the results: what an evaluation writes there, and when it may replace what is there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from glob import escape
from pathlib import Path

from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.pairs import Pair
from anysyn.files import Contents, listing, whole_results
from anysyn.progress import Progress
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.training.run_folder.folder import RunError

RESULTS = (
    *("cases.csv", "protocol.json"),  # results without these are none
    *("table.csv", "table.md", "table.tex", "margins.csv", "statistics.csv", "inputs.csv"),
    *("subjects.csv", "subjects-left-out.csv"),
)


@contextmanager
def results_folder(folder: Path, examples: Mapping[tuple[str, Pair], int], *, overwrite: bool) -> Iterator[Path]:
    """Make results aside; they take their place in the folder, instead of earlier ones, once they are whole.

    Findings of probes, in folders of their own in it, stay.

    Args:
        folder: The folder.
        examples: By subject and pair, the number of the example.
        overwrite: Whether earlier results may be replaced.

    Yields:
        The folder to write into.

    Raises:
        EvaluationError: If the folder is a file, has results that may not be replaced, or files of others.
        UserError: If another process writes there.
    """
    if folder.exists() and not folder.is_dir():
        raise EvaluationError(f"{folder} is a file; choose another --out")
    names = [f"examples/{escape(example_name(key, pair, number))}" for (key, pair), number in examples.items()]
    check = _checked(folder, overwrite)
    with whole_results(folder, [*RESULTS, *names], made_by="anysyn evaluate", check=check) as inside:
        yield inside


def results_place(run: LoadedRun, out: str | Path | None) -> Path:
    """Return the folder of results: the one that was named, or ``evaluation`` in the run folder.

    Raises:
        RunError: If it is a packaged run, and none was named or one in it.
    """
    if out is None:
        return run.folder.place("evaluation", "name a folder with --out")
    return run.folder.outside(Path(out), "choose another --out")


def point_to(folder: Path, run: LoadedRun, progress: Progress) -> None:
    """Note in the run where its latest results are, for the report; say so if that cannot be."""
    try:
        run.folder.write("evaluation.json", {"results": str(folder.resolve())})
    except (RunError, OSError):  # a packaged run, or that of a colleague; the results are whole
        progress.say(f"note: {run.folder.path} cannot be written, so the report needs --results {folder}")


def example_name(subject: str, pair: Pair, number: int) -> str:
    """Return the name of the file of an example; a key may hold slashes.

    Example:
        >>> example_name("BraTS/0042", Pair(("T1w",), "T2w"), 0)
        'T1w_T2w_0_BraTS_0042.npz'
    """
    return re.sub(r"[^\w.+-]+", "_", f"{pair}_{number}_{subject}") + ".npz"


def _checked(folder: Path, overwrite: bool) -> Callable[[Contents], None]:
    def check(contents: Contents) -> None:
        if not overwrite and (contents.own or contents.foreign):
            raise EvaluationError(f"{folder} is not empty; choose another --out or allow it with --overwrite")
        if contents.foreign:
            raise EvaluationError(
                f"{folder} holds {listing(contents.foreign, folder)}, which no evaluation wrote, so --overwrite leaves "
                f"it alone{contents.origin()}; move that away, or choose another --out"
            )

    return check
