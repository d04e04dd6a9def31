"""What a cell of a notebook shows of a result is a line, and where there are lines these."""

from pathlib import Path

import pandas as pd
import pytest

import anysyn
from anysyn.data.inventory.inventory import Inventory
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.evaluation.results import Evaluation
from anysyn.probes.findings import Findings
from anysyn.suitability import Verdict
from anysyn.synthesis import Completion
from anysyn.synthesis.suitability_check import SuitabilityCheck
from anysyn.trust.calibrate import Calibrated
from anysyn.trust.calibrator import Calibrator
from anysyn.trust.trusted import Calibration

PEOPLE = tuple(Subject(f"sub-{n}", "IXI", {"T1w": Path(f"{n}.nii.gz")}, {}, {}) for n in range(9))
FOUND = FoundSubjects(PEOPLE, (Failure("sub-9", None, "is damaged"),))
CALIBRATION = Calibration(Calibrator(kinds=8, targets=3), {"T2w": 2.0}, 0.9, 5, {"T2w": 0.9})
CASES = pd.DataFrame({"subject": ["sub-1", "sub-1", "sub-2"]})
TABLES = dict.fromkeys(("summary", "margins", "statistics", "inputs"), CASES)

SHORT = {
    "Card": lambda: anysyn.models().cards[0],
    "Models": anysyn.models,
    "FoundSubjects": lambda: FOUND,
    "Inventory": lambda: Inventory(root=Path("IXI"), found=FOUND, parts={one.key: "train" for one in PEOPLE}),
    "Evaluation": lambda: Evaluation(
        folder=Path("e"), protocol=anysyn.Protocol(name="p"), cases=CASES, **TABLES, failures=(), skipped={}, notes=()
    ),
    "SuitabilityCheck": lambda: SuitabilityCheck({one.key: Verdict() for one in PEOPLE}, FOUND.failures),
    "Completion": lambda: Completion((Path("a.nii.gz"),) * 30, (), ()),
    "Calibration": lambda: CALIBRATION,
    "Calibrated": lambda: Calibrated(Path("run/trust.safetensors"), CALIBRATION),
    "Findings": lambda: Findings(folder=Path("f"), tables={"content.csv": CASES}, record={"notes": []}),
}


@pytest.mark.parametrize("name", SHORT)
def test_a_result_is_one_short_line(name):
    text = repr(SHORT[name]())
    assert text.startswith(f"{name}(")
    assert len(text) < 130
    assert "\n" not in text


def test_a_check_says_pass():
    assert repr(SuitabilityCheck({"t1.nii.gz": Verdict()}, ())) == "SuitabilityCheck(t1.nii.gz: pass)"
    many = SuitabilityCheck({one.key: Verdict() for one in PEOPLE}, FOUND.failures)
    assert repr(many) == "SuitabilityCheck(pass 9; not read 1)"


@pytest.mark.parametrize("name", ["Card", "Models", "SuitabilityCheck", "Completion", "Calibrated"])
def test_a_notebook_shows_its_lines(name):
    result = SHORT[name]()
    shown = result._repr_html_()
    assert shown.startswith("<pre>")
    assert shown.count("\n") == len(list(result.lines())) - 1
