"""The demo: from nothing to a report in a few minutes."""

from __future__ import annotations

from pathlib import Path

from anysyn.errors import UserError
from anysyn.evaluation.evaluate import evaluate
from anysyn.files import Contents, contents_of, listing, locked, write_manifest
from anysyn.progress import Progress
from anysyn.reporting import report
from anysyn.simulation import simulate
from anysyn.synthesis import load_run, synthesize
from anysyn.training.fit import train

SUBJECTS = 12
CONTRASTS = ("T1w", "T2w", "FLAIR")
PAIRS = "T1w:T2w,T1w:FLAIR,T2w:FLAIR,T1w+T2w:FLAIR"
FILES = [f"synthetic/{name}{ending}" for name in ("T2w", "FLAIR") for ending in (".nii.gz", ".json")]  # its own files


def demo(out: str | Path = "demo", *, overwrite: bool = False, progress: Progress | None = None) -> None:
    """Simulate a cohort, train, synthesize, evaluate and report; say the table, the margins and where the report lies.

    Args:
        out: Folder of the demo.
        overwrite: Whether an earlier demo in that folder may be deleted.
        progress: What shows the progress.

    Raises:
        UserError: If the folder holds something and may not be overwritten.
    """
    progress, out = progress or Progress(), Path(out)
    with locked(out, "anysyn demo"):
        _clear(out, overwrite)
        _show(out, progress)


def _show(out: Path, progress: Progress) -> None:
    cohort = simulate(out / "cohort", subjects=SUBJECTS, centres=2, contrasts=CONTRASTS, jobs=2, progress=progress)
    own = [f"data.root={cohort}", f"data.cache={out / 'run' / 'cache'}"]  # what nobody needs again goes with the demo
    run = train("small/demo", out=out / "run", overrides=own, progress=progress).folder
    loaded = load_run(run)
    t1 = loaded.subjects(split="test")[0][0].images["T1w"]
    for path in synthesize(loaded, sources={"T1w": t1}, targets=["T2w", "FLAIR"], out=out / "synthetic"):
        progress.say(f"synthesized {path}")
    results = evaluate(run, pairs=PAIRS, progress=progress)
    for line in results.lines():
        progress.say(line)
    progress.say(f"report: {report(run)}")


def _clear(out: Path, overwrite: bool) -> None:
    contents = contents_of(out, "anysyn demo")
    if contents and not overwrite:
        raise UserError(f"{out} is not empty; choose another --out, or replace an earlier demo with --overwrite")
    whole = contents.with_nested(lambda inner: _of_demo(inner, out))
    if whole.foreign:
        what = listing(whole.foreign, out)
        raise UserError(
            f"{out} holds {what}, which no demo made, so nothing was deleted{contents.origin()}; choose another --out"
        )
    whole.delete()
    write_manifest(out, "anysyn demo", FILES)


def _of_demo(inner: Contents, out: Path) -> bool:
    """Tell whether a folder in that of a demo is its cohort, its run, or holds results of that run."""
    own = {out / "cohort": "anysyn simulate", out / "run": "anysyn train"}
    results = inner.made_by in ("anysyn evaluate", "anysyn probe") and inner.folder.is_relative_to(out / "run")
    return results or own.get(inner.folder) == inner.made_by
