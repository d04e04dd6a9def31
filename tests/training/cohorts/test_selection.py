"""Which subjects a recipe uses, and why the others are not used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from subject_files import image

from anysyn.data.inventory.inventory import Inventory
from anysyn.errors import UserError
from anysyn.training.cohorts.selection import inventory

PAIR = "modalities=[T1w,T2w]"


def cohort(root: Path, *places: str) -> Path:
    for place in places:
        for name in ("T1w", "T2w"):
            image(root / place / f"{name}.nii.gz")
    return root


def reasons(shown: Inventory) -> dict[str, str]:
    return {case.key: case.reason for case in shown.ignored}


def test_a_dataset_that_is_not_chosen_is_not_used(tmp_path: Path) -> None:
    root = cohort(tmp_path, "A/1", "A/2", "A/3", "B/1")
    shown = inventory(root, of="small/label", overrides=[PAIR, "data.datasets=[A]"])
    assert set(shown.parts) == {"A/1", "A/2", "A/3"}
    assert reasons(shown) == {"B/1": "is of dataset B, which is not among data.datasets (A)"}
    with pytest.raises(UserError, match="no subject is of dataset 'C'"):
        inventory(root, of="small/label", overrides=[PAIR, "data.datasets=[C]"])


def test_a_split_by_lists_leaves_the_others_out_with_what_is_wrong_of_them(tmp_path: Path) -> None:
    root = cohort(tmp_path, "A/1", "A/2", "A/3")
    (root / "A/3/T2w.nii.gz").write_bytes(b"broken")
    split = "data.split={train: [A/1], validation: [], test: [A/2]}"
    shown = inventory(root, of="small/label", overrides=[PAIR, split])
    assert shown.failures == ()
    assert {case.reason.rpartition(" (")[2] for case in shown.ignored} == {"is in no part of the split", "not needed)"}


def test_a_failure_of_a_subject_that_is_left_with_one_contrast_stays_a_failure(tmp_path: Path) -> None:
    root = cohort(tmp_path, "A/1", "A/2", "A/3")
    (root / "A/3/T2w.nii.gz").write_bytes(b"broken")
    shown = inventory(root, of="small/label", overrides=[PAIR])
    assert [case.key for case in shown.failures] == ["A/3"]
    assert reasons(shown) == {"A/3": "has T1w of T1w, T2w; training needs a source and a target"}


def test_another_cohort_has_no_split(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    recipe = "base: small/label\nmodalities: [T1w, T2w]\ndata: {names: {'*_mr': T1w}, datasets: [A]}\n"
    (run / "recipe.yaml").write_text(recipe)
    (run / "split.json").write_text(json.dumps({"train": ["A/1"], "validation": [], "test": []}))
    other = cohort(tmp_path / "other", "C/1")
    image(other / "C/2/x_mr.nii.gz")
    image(other / "C/2/T2w.nii.gz")
    shown = inventory(other, of=run)
    assert shown.parts == {}
    assert shown.ignored == shown.failures == ()
    assert [sorted(subject.images) for subject in shown.subjects] == [["T1w", "T2w"], ["T1w", "T2w"]]
