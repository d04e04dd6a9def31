"""The path of a batch: how many files a reader opens to follow it from the numbers of its samples to the optimiser.

All that is done for a batch is in `StepLoop.run`: its draws are seeded, its learning rates set, it is made and learned.
"""

import sys
from pathlib import Path

from toys import write_cohort

import anysyn
from anysyn.training.steps import StepLoop

PACKAGE = Path(anysyn.__file__).parent
MOST = 19


def traced(run, entered):
    """Return a method that notes the files of the package in which a function is called while it runs."""

    def note(frame, event, _):
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(PACKAGE):
            entered.add(str(path.relative_to(PACKAGE)))

    def traced_run(*args, **options):
        before = sys.getprofile()
        sys.setprofile(note)
        try:
            return run(*args, **options)
        finally:
            sys.setprofile(before)

    return traced_run


def test_from_indices_to_the_optimizers_step_few_files_are_entered(tmp_path, monkeypatch):
    entered = set()
    write_cohort(tmp_path / "cohort")
    monkeypatch.setattr(StepLoop, "run", traced(StepLoop.run, entered))
    overrides = [f"data.root={tmp_path / 'cohort'}", "stages.0.epochs=1"]
    anysyn.train("small/label", out=tmp_path / "run", overrides=overrides, accelerator="cpu")
    assert {"data/loading/samples.py", "losses/pixel.py", "training/steps.py"} <= entered
    assert len(entered) <= MOST, f"{len(entered)} files are entered: {', '.join(sorted(entered))}"
