"""What a run cannot synthesize is said, with how many subjects lack it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from anysyn.data.records import Subject
from anysyn.synthesis.completion.missing_contrasts import not_trained


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        (["T1w"], ["not synthesized: T1w, which 1 subject lacks: this run was trained to read it only"]),
        (["T1w", "T1w"], ["not synthesized: T1w, which 2 subjects lack: this run was trained to read it only"]),
        (["T2w", "FLAIR"], []),
    ],
)
def test_what_subjects_lack_and_the_run_only_reads_is_said(lacking, said):
    names = ("T1w", "T2w", "FLAIR")
    images = [{name: Path(name) for name in names if name != absent} for absent in lacking]
    subjects = [Subject(f"{n}", "", files, {}, {}) for n, files in enumerate(images)]
    assert list(not_trained(subjects, SimpleNamespace(modalities=names), ["T2w", "FLAIR"])) == said
