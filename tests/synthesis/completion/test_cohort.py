"""Who is not completed, and how it can be; which files of the subjects are not used; what will be made."""

from __future__ import annotations

from pathlib import Path

from anysyn.data.inventory.inventory import Inventory
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.synthesis.completion.cohort import choices, not_to_complete, to_make
from anysyn.synthesis.completion.missing_contrasts import Missing, Trained

TRAINED = Trained(["T1w", "T2w", "FLAIR"], ["T1w", "T2w", "FLAIR"], 2)
ROOT = Path("bids")


def inventory(has, failures=(), ignored=()):
    images = {name: ROOT / f"{name}.nii.gz" for name in has}
    found = FoundSubjects((Subject("sub-01", "", images, {}, {}),), tuple(failures), tuple(ignored))
    return Inventory(root=ROOT, found=found)


def bad(name, key="sub-01"):
    return Failure(key, ROOT / f"{name}.nii.gz", f"bids/{name}.nii.gz: is truncated", name)


def test_what_cannot_be_read_is_left_out_by_options_that_the_message_names():
    said = [str(one) for one in not_to_complete(inventory(["T1w"], [bad("T2w"), bad("FLAIR")]), TRAINED)]
    assert len(said) == 2
    assert all(line.endswith("to complete it without FLAIR, T2w: --sources T1w --targets T1w") for line in said)


def test_who_has_no_other_source_is_advised_nothing():
    assert "--sources" not in str(not_to_complete(inventory([], [bad("T2w")]), TRAINED)[0])
    whole = Failure("sub-05", None, "has no image that anysyn reads")
    assert not_to_complete(inventory(["T1w"], [whole]), TRAINED) == [whole]


def test_a_contrast_without_the_labels_that_are_asked_for_does_not_pass_for_missing():
    path = ROOT / "sub-01_acq-fast_T2w.nii.gz"
    refused = Failure("sub-01", path, f"{path}: acq is fast, not highres as --bids-filter-file asks", "T2w")
    said = not_to_complete(inventory(["T1w"], (), [refused, refused]), TRAINED)
    assert len(said) == 1
    assert said[0].reason.startswith("has no T2w with the labels that are asked for; bids/sub-01_acq-fast_T2w")
    assert not_to_complete(inventory(["T1w", "T2w"], (), [refused]), TRAINED) == []  # another file has them
    other = Failure("sub-01", path, "is DWI (not needed)", "DWI")
    assert not_to_complete(inventory(["T1w"], (), [other]), TRAINED) == []


def test_choices_are_of_the_subjects_alone():
    second = Failure("sub-01", ROOT / "b.nii.gz", "bids/b.nii.gz: is not used", "T1w", ROOT / "a.nii.gz")
    func = Failure("sub-01/func", ROOT / "sub-01/func", "bids/sub-01/func: is not searched")
    blank = Failure("sub-01", None, "T2w counts as absent", "T2w")
    assert [str(one) for one in choices(inventory(["T1w"], (), [second, func, blank]))] == [
        "sub-01: b.nii.gz: is not used"
    ]


def test_what_will_be_made_is_said():
    subject = Subject("sub-01", "", {}, {}, {})
    gaps = [Missing(subject, (), {"T2w": Path("a"), "FLAIR": Path("b")}), Missing(subject, (), {"FLAIR": Path("c")})]
    assert list(to_make(gaps, ())) == ["making T2w, FLAIR: 3 images of 2 subjects"]
    assert list(to_make(gaps, [Path("a"), Path("b")])) == ["making FLAIR: 1 image of 1 subject"]
    assert list(to_make([], ())) == []
