"""The Python of the README does what it says, on a cohort and in a training that are small."""

import re
import shutil
from pathlib import Path

import anysyn

README = Path(__file__).parents[1] / "README.md"
SMALLER = {
    "subjects=24, centres=4, spacing=2.0": "subjects=5, centres=4, spacing=8.0",
    'overrides=["data.root=cohort"]': (
        'overrides=["data.root=cohort", "stages.0.epochs=1", "parts.synthesizer.encoder.widths=[8, 8, 8]"]'
    ),
}


def block():
    (code,) = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for shown, smaller in SMALLER.items():
        assert code.count(shown) == 1, f"the README no longer says {shown}; say here what is smaller"
        code = code.replace(shown, smaller)
    return code


def test_the_python_block_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scans = anysyn.simulate("scans", subjects=1, centres=1, spacing=8.0, contrasts=["T1w"])
    shutil.copy(next(scans.rglob("*T1w.nii.gz")), "t1.nii.gz")
    exec(compile(block(), str(README), "exec"), {})
    assert Path("t2.nii.gz").is_file()
    assert Path("runs/label/evaluation/table.csv").is_file()
    assert Path("runs/label/report.html").is_file()
    assert list(Path("completed").rglob("*.nii.gz"))
