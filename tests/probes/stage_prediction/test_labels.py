"""Labels are read by subject or person, and a table that says too little or two things is refused in one line."""

from pathlib import Path

import pytest

from anysyn.data.records import Subject
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.stage_prediction.labels import read_labels, usable, volume_classes

SUBJECTS = [Subject(f"sub-{n}_ses-{s}", "", {}, {}, {}, person=f"sub-{n}") for n in (1, 2, 3) for s in (1, 2)]


def table(tmp_path, text, name="labels.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("who", ["person", "participant_id"])
def test_a_person_has_one_label_for_all_sessions(tmp_path, who):
    failures = []
    path = table(tmp_path, f"{who},T,N\nsub-1,T1,\n2,T3,N0\n")  # with and without sub-
    found = read_labels(path, (), SUBJECTS, failures)
    assert found["T"] == {"sub-1_ses-1": "T1", "sub-1_ses-2": "T1", "sub-2_ses-1": "T3", "sub-2_ses-2": "T3"}
    assert found["N"] == {"sub-2_ses-1": "N0", "sub-2_ses-2": "N0"}
    assert [failure.key for failure in failures] == ["sub-3_ses-1", "sub-3_ses-2"]


def test_a_session_may_have_a_row_of_its_own_and_columns_be_chosen(tmp_path):
    path = table(tmp_path, "subject\tT\tstage\nsub-1_ses-2\tT4\tn/a\n", "labels.tsv")
    assert read_labels(path, ["T"], SUBJECTS, []) == {"T": {"sub-1_ses-2": "T4"}}
    assert read_labels(path, ["stage"], SUBJECTS, []) == {"stage": {}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,T\nsub-1,T1\n", "has no column subject, person or participant_id"),
        ("person,T\nsub-1,T1\n1,T2\n", "names 1 in 2 rows"),
        ("person,T\nsub-1,T1\n", "has no column 'stage'"),
        ("", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(tmp_path, text, said):
    with pytest.raises(EvaluationError) as refused:
        read_labels(table(tmp_path, text), ["stage"], SUBJECTS, [])
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_no_table_is_one_line():
    with pytest.raises(EvaluationError, match=r"--labels nowhere.csv: cannot be read"):
        read_labels(Path("nowhere.csv"), (), SUBJECTS, [])


def test_classes_of_volumes_are_cut_at_the_median_of_the_lesions():
    volumes = {"a": 0.0, "b": 1.0, "c": 2.0, "d": 3.0, "e": 40.0}
    assert volume_classes(volumes) == {"a": "none", "b": "small", "c": "small", "d": "large", "e": "large"}
    assert volume_classes({"a": 0.0}) == {"a": "none"}


def test_two_sessions_of_one_person_are_not_two_people():
    labels = {one.key: "T1" if "sub-3" not in one.key else "T4" for one in SUBJECTS}
    kept, rare = usable(labels, {one.key: one.person for one in SUBJECTS})
    assert rare == ["T4"]
    assert set(kept.values()) == {"T1"}
