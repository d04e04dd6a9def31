"""The filter file of BIDS Apps: what it maps to, and that what it cannot say is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from anysyn.data.subjects.layouts.bids_filter import read_filter
from anysyn.errors import UserError


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(content: Any) -> Path:
        path = tmp_path / "filter.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


@pytest.mark.parametrize(
    ("content", "labels"),
    [
        ({"t1w": {"acquisition": "highres"}}, {"T1w": {"acq": "highres"}}),
        ({"T1w": {"acq": "highres"}}, {"T1w": {"acq": "highres"}}),
        (
            {"t1w": {"datatype": "anat", "suffix": "T1w", "run": [1, 2]}, "flair": {"session": "pre"}},
            {"T1w": {"run": [1, 2]}, "FLAIR": {"ses": "pre"}},
        ),
        ({"bold": {"task": "rest"}, "sbref": {}, "t2w": {"reconstruction": "norm"}}, {"T2w": {"rec": "norm"}}),
        ({"acq": "highres", "t2star": {"echo": 2}}, {"acq": "highres", "T2star": {"echo": 2}}),
        ({}, {}),
    ],
)
def test_it_is_labels_by_contrast(write: Any, content: Any, labels: Any) -> None:
    assert read_filter(write(content)) == labels


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"t1ww": {"acq": "x"}}, "no contrast named 't1ww'; choices: FLAIR, T1w"),
        ({"t1w": {"aqc": "x"}}, "T1w.aqc: files are not chosen by it here; did you mean 'acq'"),
        ({"t1w": {"acq": None}}, "T1w.acq: None is no label; write one as in the names"),
        ({"t1w": {"acq": "*"}}, "T1w.acq: '.' is no label"),
        ({"t1w": {"acq": []}}, r"T1w.acq: \[\] is no label"),
        ({"t1w": {"acq": True}}, "T1w.acq: True is no label"),
        ({"t1w": {"acq": 1.5}}, "T1w.acq: 1.5 is no label"),
        ({"t1w": {"acq": {"a": 1}}}, "T1w.acq: .* is no label"),
        ({"t1w": {"suffix": "T2w"}}, "T1w.suffix: is 'T1w' of every T1w, not 'T2w'; leave it out"),
        ({"t1w": {"subject": "01"}}, "T1w.subject: people are chosen by --participant-label"),
        ({"t1w": {"ceagent": "gd"}}, "T1w.ceagent: files are not chosen by it here"),
        ({"t1w": {}, "T1w": {}}, "T1w: T1w stands there twice"),
        ([1], "holds no JSON object; write it as"),
        ("{", "is no filter file that can be read"),
    ],
)
def test_what_it_cannot_say_is_refused_in_one_line(write: Any, content: Any, message: str) -> None:
    path = write(content)
    with pytest.raises(UserError, match=message) as error:
        read_filter(path)
    assert len(str(error.value).splitlines()) == 1
    assert str(error.value).startswith(f"{path}: ")


def test_each_mistake_has_a_line(write: Any) -> None:
    with pytest.raises(UserError) as error:
        read_filter(write({"t1w": {"acq": None, "x": 1}, "t9": {}}))
    assert len(str(error.value).splitlines()) == 3


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        read_filter(tmp_path / "gone.json")
