"""The CSV of an inventory gives the same subjects again."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from subject_files import image, text

from anysyn.data.inventory.inventory import Inventory
from anysyn.data.inventory.subjects_csv import left_out_path, write_subjects_csv
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.data.subjects.find import find_subjects
from anysyn.errors import UserError


def bids(root: Path) -> Path:
    text(root / "dataset_description.json", '{"Name": "clinic"}')
    text(root / "participants.tsv", "participant_id\tage\tsex\tsite\nsub-01\t45.25\tF\tA\nsub-02\tn/a\tM\tB\n")
    text(root / "T1w.json", '{"EchoTime": 0.002, "MagneticFieldStrength": 3}')
    for session in ("ses-1", "ses-2"):
        image(root / f"sub-01/{session}/anat/sub-01_{session}_T1w.nii.gz", {"EchoTime": 0.003})
    image(root / "sub-01/ses-1/anat/sub-01_ses-1_FLAIR.nii.gz")
    image(root / "sub-02/anat/sub-02_T1w.nii.gz")
    image(root / "sub-02/anat/sub-02_ce-gadolinium_T1w.nii.gz", {"EchoTime": 0.004})
    image(root / "derivatives/masks/sub-02/anat/sub-02_label-lesion_mask.nii.gz")
    image(root / "derivatives/masks/sub-02/anat/sub-02_label-GTV_mask.nii.gz")
    image(root / "sub-02/dwi/sub-02_dwi.nii.gz", shape=(4, 5, 6, 3))
    return root


def brats(root: Path) -> Path:
    for person in ("00005-100", "00005-101", "00007-100"):
        for word in ("t1n", "t1c", "t2w", "t2f", "seg"):
            image(root / f"BraTS-GLI-{person}/BraTS-GLI-{person}-{word}.nii.gz")
    return root


def nested(root: Path) -> Path:
    for place in ("p 1/month-0", "p 1/month-12", 'p, "2"/month-0', "=cmd()/month-0", "'-3/month-0"):
        image(root / place / "T1w.nii.gz", {"RepetitionTime": 2, "PatientAge": "044Y"})
        image(root / place / "FLAIR.nii.gz")
        image(root / place / "lesion_mask.nii.gz")
    return root


def table(root: Path) -> Path:
    for name in ("a", "b", "c"):
        image(root / f"files/{name}.nii.gz", {"EchoTime": 0.01})
    lines = ["subject,dataset,age,sex,split,T1w,T2w,mask", "x,IXI,30,F,train,files/a.nii.gz,files/b.nii.gz,"]
    return text(root / "list.csv", "\n".join([*lines, "y,HCP,,,test,files/c.nii.gz,,files/b.nii.gz", ""]))


@pytest.mark.parametrize("layout", [bids, brats, nested, table])
@pytest.mark.parametrize("inside", [True, False])
def test_the_csv_gives_the_same_subjects_again(layout: Callable[[Path], Path], inside: bool, tmp_path: Path) -> None:
    root = layout(tmp_path / "data")
    found = find_subjects(root)
    path = tmp_path / ("data" if inside else "elsewhere") / "subjects.csv"
    write_subjects_csv(Inventory(root=root, found=found), path)
    again = find_subjects(path)
    assert again.failures == again.ignored == ()

    def plain(subject: Subject) -> Subject:  # what says which file it is differs: a line of the table
        files = {name: Path(os.path.abspath(file)) for name, file in subject.images.items()}
        masks = {name: Path(os.path.abspath(file)) for name, file in subject.masks.items()}
        return replace(subject, images=files, masks=masks, reasons={}, sidecars={}, person=subject.person)

    def sidecars(subject: Subject) -> dict[str, list[str]]:
        return {name: [os.path.abspath(file) for file in files] for name, files in subject.sidecars.items()}

    assert list(map(plain, again.subjects)) == list(map(plain, found.subjects))
    assert list(map(sidecars, again.subjects)) == list(map(sidecars, found.subjects))


def test_paths_below_the_csv_are_relative_and_others_absolute(tmp_path: Path) -> None:
    found = find_subjects(brats(tmp_path / "data"))
    for folder in (tmp_path / "data", tmp_path / "run"):
        write_subjects_csv(Inventory(root=tmp_path / "data", found=found), folder / "subjects.csv")
        row = next(csv.DictReader((folder / "subjects.csv").open()))
        assert Path(row["T1w"]).is_absolute() == (folder.name == "run")


def test_what_was_left_out_is_listed_beside_it(tmp_path: Path) -> None:
    root = bids(tmp_path)
    path = tmp_path / "subjects.csv"
    write_subjects_csv(Inventory(root=root, found=find_subjects(root)), path)
    rows = list(csv.DictReader(left_out_path(path).open()))
    assert [(row["subject"], row["modality"], row["used"]) for row in rows] == [("sub-02", "DWI", "cannot be")]
    assert "4x5x6x3" in rows[0]["reason"]
    assert rows[0]["file"] == str(root / "sub-02/dwi/sub-02_dwi.nii.gz")


def test_existing_lists_are_replaced_only_if_asked(tmp_path: Path) -> None:
    inventory = Inventory(root=tmp_path, found=find_subjects(brats(tmp_path / "data")))
    text(tmp_path / "list-left-out.csv", "subject,modality,file,used,reason\nearlier")
    with pytest.raises(UserError, match=r"list-left-out.csv exists; .*--overwrite"):
        write_subjects_csv(inventory, tmp_path / "list.csv")
    assert not (tmp_path / "list.csv").exists()
    write_subjects_csv(inventory, tmp_path / "list.csv", overwrite=True)
    with pytest.raises(UserError, match=r"call it list\.csv"):
        write_subjects_csv(inventory, tmp_path / "list.xlsx")


def test_the_part_of_the_split_is_written(tmp_path: Path) -> None:
    root = brats(tmp_path / "data")
    found = find_subjects(root)
    parts = {subject.key: part for subject, part in zip(found.subjects, ("train", "train", "test"), strict=True)}
    write_subjects_csv(Inventory(root=root, found=found, parts=parts), tmp_path / "subjects.csv")
    again = find_subjects(tmp_path / "subjects.csv").subjects
    assert {subject.key: subject.split for subject in again} == parts


def test_a_file_that_was_left_out_differs_from_one_that_is_not_used(tmp_path: Path) -> None:
    bad, other = Failure("p", tmp_path / "a.nii", "a.nii: is cut off", "T1w"), Failure("p", None, "is a scout")
    write_subjects_csv(Inventory(root=tmp_path, found=FoundSubjects((), (bad,), (other,))), tmp_path / "s.csv")
    assert [row["used"] for row in csv.DictReader((tmp_path / "s-left-out.csv").open())] == ["cannot be", "no"]


def test_no_name_is_a_formula_of_a_spreadsheet(tmp_path: Path) -> None:
    root = nested(tmp_path / "data")
    for folder in (root, tmp_path):
        write_subjects_csv(Inventory(root=root, found=find_subjects(root)), folder / "subjects.csv")
        cells = [cell for row in csv.reader((folder / "subjects.csv").open()) for cell in row]
        assert "'=cmd()/month-0" in cells
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("name", ["list.csv", "list-left-out.csv"])
def test_a_table_of_somebody_else_is_never_replaced(tmp_path: Path, name: str) -> None:
    inventory = Inventory(root=tmp_path, found=find_subjects(brats(tmp_path / "data")))
    text(tmp_path / name, "subject,group\n01,patient\n")
    with pytest.raises(UserError, match=f"{name} is no list of anysyn"):
        write_subjects_csv(inventory, tmp_path / "list.csv", overwrite=True)
    assert (tmp_path / name).read_text() == "subject,group\n01,patient\n"


def test_the_list_that_the_subjects_were_read_from_stays(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    write_subjects_csv(Inventory(root=tmp_path, found=find_subjects(brats(tmp_path / "data"))), path)
    before = path.read_bytes()
    with pytest.raises(UserError, match="what the subjects were read from"):
        write_subjects_csv(Inventory(root=path, found=find_subjects(path)), path, overwrite=True)
    assert path.read_bytes() == before
