"""Some people and some sessions of a cohort: who has no image that is read is a failure, and the others go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from anysyn.data.inventory.participants import of_participants, of_sessions
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.errors import UserError

KEYS = ("sub-01_ses-1", "sub-01_ses-2", "sub-02")
FUNC = Failure("sub-05/func", Path("sub-05/func"), "sub-05/func: holds 1 volume and is not searched")
FOUND = FoundSubjects(tuple(Subject(key, "", {}, {}, {}) for key in KEYS), (), (FUNC,))


def keys(found: FoundSubjects) -> list[str]:
    return [subject.key for subject in found.subjects]


def test_who_has_a_folder_without_an_image_fails_alone(tmp_path: Path) -> None:
    (tmp_path / "sub-05" / "func").mkdir(parents=True)
    found = of_participants(FOUND, ["02", "sub-05"], tmp_path)
    assert keys(found) == ["sub-02"]
    assert [str(failure) for failure in found.failures] == [
        "sub-05: has no image that anysyn reads; sub-05/func: holds 1 volume and is not searched"
    ]


def test_a_dataset_one_level_down_is_looked_into(tmp_path: Path) -> None:
    for place in ("sub-01/anat", "sub-05/func"):
        (tmp_path / "rawdata" / place).mkdir(parents=True)
    assert [failure.key for failure in of_participants(FOUND, ["05"], tmp_path).failures] == ["sub-05"]


def test_who_is_nowhere_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no participant '09'; "):
        of_participants(FOUND, ["02", "09"], tmp_path)


def test_sessions_are_of_all_who_have_them(tmp_path: Path) -> None:
    found = of_sessions(FOUND, ["ses-1", "2"], tmp_path)
    assert keys(found) == ["sub-01_ses-1", "sub-01_ses-2"]
    assert found.notes == ("sub-02: has no ses-1 or ses-2, so it is left out",)
    assert keys(of_sessions(FOUND, ["2"], tmp_path)) == ["sub-01_ses-2"]


def test_a_session_of_nobody_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no session '3'; choices: 1, 2"):
        of_sessions(FOUND, ["3"], tmp_path)
    with pytest.raises(UserError, match="nobody has sessions here"):
        of_sessions(FoundSubjects(FOUND.subjects[2:], ()), ["3"], tmp_path)
