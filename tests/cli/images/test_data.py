"""`anysyn data`: what is read of a folder, and what is not, is said."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from cli.folders_of_people import FOLDERS, Folder, each
from typer.testing import CliRunner, Result

from anysyn.cli import app


def call(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=list(FOLDERS))
def test_folders_as_people_have_them(folder: Folder, tmp_path: Path) -> None:
    root = folder.make(tmp_path / "data")
    result = call("data", root, "--csv", tmp_path / "subjects.csv")
    listed, left_out = rows(tmp_path / "subjects.csv"), rows(tmp_path / "subjects-left-out.csv")
    about = {"subject", "person", "dataset", "age", "sex", "split"}
    found = {
        row["subject"]: " ".join(
            name for name, cell in row.items() if cell and name not in about and "mask" not in name and " " not in name
        )
        for row in listed
    }
    assert found == dict(folder.expected)
    assert len({row["person"] or row["subject"] for row in listed}) == (folder.people or len(listed))
    refusals = [row["reason"] for row in left_out if row["used"] == "cannot be"]
    assert len(refusals) == len(folder.refused)
    assert all(words in reason for words, reason in zip(folder.refused, refusals, strict=True))
    assert result.exit_code == (1 if folder.refused else 0)
    unused = " ".join(row["reason"] for row in left_out if row["used"] == "no")
    assert all(words in unused for words in folder.unused)
    for reason in (row["reason"] for row in left_out):
        assert reason.replace(f"{tmp_path / 'data'}/", "") in result.stdout


def test_a_folder_in_which_nothing_can_be_told_apart_is_refused_with_all_reasons(tmp_path: Path) -> None:
    names = ("anna_T1", "anna_FLAIR", "ben_T1", "ben_T2")
    root = Folder({f"{name}.nii.gz": None for name in names}, {}).make(tmp_path)
    result = call("data", root)
    assert result.exit_code == 1
    assert all(f"{name}.nii.gz" in result.stdout for name in names)
    assert "may be of several people; put each subject into a folder of its own" in result.stdout
    assert "no subject found" in result.stderr


def test_a_few_of_many_subjects_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    root = Folder(each([f"sub-{n:02d}" for n in range(30)], "T1w T2w", "{p}/{n}.nii.gz"), {}).make(tmp_path / "data")
    short, whole = call("data", root), call("data", root, "--all")
    assert "sub-19" in short.stdout
    assert "sub-20" not in short.stdout
    assert "and 10 more subjects: show them with --all" in short.stdout
    assert "T1w 30, T2w 30" in short.stdout
    assert "sub-29" in whole.stdout


def test_a_recipe_says_what_counts_and_who_would_be_where(tmp_path: Path) -> None:
    files = each([f"p{n}" for n in range(10)], "T1w T2w FLAIR", "{p}/{n}.nii.gz") | {"p0/dwi.nii.gz": (4,)}
    del files["p9/T2w.nii.gz"]
    root = Folder(files, {}).make(tmp_path / "data")
    assert call("data", root).exit_code == 1  # the film of diffusion
    pair = "modalities=[T1w,T2w]"
    result = call("data", root, "--for", "small/label", pair, "--csv", tmp_path / "subjects.csv")
    assert result.exit_code == 0, result.output
    assert "train 6, validation 1, test 2" in result.stdout or "train 7, validation 1, test 1" in result.stdout
    assert "not needed: DWI is not among T1w, T2w" in result.stdout
    assert "has T1w of T1w, T2w; training needs a source and a target" in result.stdout
    assert "FLAIR.nii.gz" not in result.stdout
    split = {row["subject"]: row["split"] for row in rows(tmp_path / "subjects.csv")}
    assert split.pop("p9") == ""
    assert set(split.values()) == {"train", "validation", "test"}
    assert call("data", root, pair).exit_code == 1  # overrides need a recipe


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    root = Folder(each(["p1"], "T1w T2w", "{p}/{n}.nii.gz"), {}).make(tmp_path / "data")
    for words, part in (
        ((tmp_path / "nowhere",), "no such file or folder"),
        ((root, "--for", "small/labell"), "did you mean"),
        ((root, "--for", root), "not a run folder"),
        ((root, "--layout", "bidz"), "no layout named 'bidz'"),
        ((root, "--csv", tmp_path / "list.xlsx"), "call it list.csv"),
    ):
        result = call("data", *words)
        assert result.exit_code == 1
        assert part in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_a_name_is_no_command_to_the_terminal(tmp_path: Path) -> None:
    root = Folder(each(["p\x1b[31m1"], "T1w T2w scout", "{p}/{n}.nii.gz"), {}).make(tmp_path / "data")
    result = call("data", root)
    assert "p\\x1b[31m1" in result.stdout
    assert "\x1b" not in result.stdout


REAL = {
    "glioma_brain_1mm": "T1w 1, T1c 1, T2w 1, FLAIR 1",
    "infant_templates": "T1w 2, T2w 2",
    "limb_ct_pet": "T1w 17, CT 17, FDG-PET 17",
    "ms_brain_1mm": "T1w 2, T1c 2, T2w 2, FLAIR 2",
    "ms_head_thick_slices": "T1w 2, T2w 2, FLAIR 1",
    "prostate_dicom": "T2w 1, ADC 1",
}


@pytest.mark.parametrize("name", REAL)
def test_real_folders(name: str, shared: Path) -> None:
    result = call("data", shared / name)
    assert f"  {REAL[name]}\n" in result.stdout
    refused = "DWI.nii.gz: holds 3 volumes" if name == "prostate_dicom" else ""
    assert refused in result.stdout
    assert result.exit_code == bool(refused)
