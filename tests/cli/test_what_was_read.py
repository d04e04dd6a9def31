"""What `train`, `complete` and `evaluate` say of the data and keep; and only what is asked for counts."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from toys import TINY, write_cohort
from typer.testing import CliRunner, Result

from anysyn.cli import app
from anysyn.data.subjects.find import find_subjects

PAIR = "modalities=[T1w,T2w]"


def call(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def cut(path: Path) -> None:
    """Leave a header that can be read and voxels that cannot."""
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 4])


def no_header(path: Path) -> None:
    path.write_bytes(b"broken")


def broken_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "gone.nii.gz")


SPOIL = {"voxels": cut, "header": no_header, "link": broken_link}


def split(**parts: list[str]) -> str:
    return f"data.split={ {'train': [], 'validation': [], 'test': []} | parts }"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("read")
    write_cohort(folder / "cohort")
    (folder / "tiny.yaml").write_text(TINY)
    parts = split(train=["sub-00", "sub-01"], validation=["sub-02"], test=["sub-03"])
    here = Path.cwd()
    os.chdir(folder)
    try:  # with a relative path of the data
        trained = call("train", "tiny.yaml", "--out", "run", "data.root=cohort", "stages.0.epochs=1", parts)
    finally:
        os.chdir(here)
    assert trained.exit_code == 0, trained.output
    (folder / "said.txt").write_text(trained.output)
    return folder


@pytest.fixture
def cohort(place: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(place / "cohort", tmp_path / "cohort"))


@pytest.fixture
def train(place: Path, cohort: Path, tmp_path: Path) -> Callable[..., Result]:
    def run(*overrides: str) -> Result:
        words = ("--out", tmp_path / "run", "--accelerator", "cpu", f"data.root={cohort}", "stages.0.epochs=1")
        return call("train", place / "tiny.yaml", *words, *overrides)

    return run


def test_a_training_says_what_it_reads_and_keeps_all_of_it(place: Path) -> None:
    said = (place / "said.txt").read_text()
    for part in (
        "4 subjects, dataset cohort",
        "T1w 4, T2w 4, FLAIR 4",
        "train 2, validation 1, test 1",
        "subjects.csv",
    ):
        assert part in said
    subjects = find_subjects(place / "run" / "subjects.csv").subjects
    assert [(each.key, each.split) for each in subjects] == [
        ("sub-00", "train"), ("sub-01", "train"), ("sub-02", "validation"), ("sub-03", "test")
    ]  # fmt: skip
    assert [subject.images for subject in subjects] == [
        each.images for each in find_subjects(place / "cohort").subjects
    ]


def test_the_data_are_found_from_any_folder(place: Path) -> None:
    assert yaml.safe_load((place / "run" / "recipe.yaml").read_text())["data"]["root"] == str(place / "cohort")


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=list(SPOIL))
def test_a_bad_image_of_a_contrast_that_is_not_used_costs_nobody(
    spoil: Callable[[Path], None], train: Callable[..., Result], cohort: Path, tmp_path: Path
) -> None:
    spoil(cohort / "sub-00" / "FLAIR.nii.gz")
    result = train(PAIR, split(train=["sub-00"], validation=["sub-01"]))
    assert result.exit_code == 0, result.output
    assert "one training subject, sub-00" in result.stdout
    if spoil is not cut:  # voxels of an image that is not used are not read at all
        assert "not needed: FLAIR is not among T1w, T2w" in result.stdout
        left_out = list(csv.DictReader((tmp_path / "run" / "subjects-left-out.csv").open()))
        assert [row["used"] for row in left_out if row["modality"] == "FLAIR"] == ["no"]


def test_a_bad_image_of_the_only_validation_subject_costs_the_validation(
    train: Callable[..., Result], cohort: Path, tmp_path: Path
) -> None:
    cut(cohort / "sub-02" / "T2w.nii.gz")
    result = train(split(train=["sub-00", "sub-01"], validation=["sub-02"]))
    assert result.exit_code == 1
    assert "sub-02" in result.stderr
    assert "no validation subject" in result.stdout
    assert (tmp_path / "run" / "weights.safetensors").is_file()


def test_a_recipe_that_uses_everything_lists_a_bad_image(train: Callable[..., Result], cohort: Path) -> None:
    no_header(cohort / "sub-00" / "FLAIR.nii.gz")
    result = train(split(train=["sub-00", "sub-01"]))
    assert result.exit_code == 1
    assert "FLAIR.nii.gz" in result.stderr


def test_an_evaluation_says_what_it_reads_prints_its_table_and_the_report(place: Path, tmp_path: Path) -> None:
    result = call("evaluate", place / "run", "--out", tmp_path / "results")
    assert result.exit_code == 0, result.output
    for part in ("1 subject, dataset cohort", "T1w 1, T2w 1, FLAIR 1", "  test 1\n", "PSNR", "report.html"):
        assert part in result.stdout
    assert [subject.key for subject in find_subjects(tmp_path / "results" / "subjects.csv").subjects] == ["sub-03"]


@pytest.mark.parametrize("spoil", SPOIL.values(), ids=list(SPOIL))
def test_an_evaluation_of_a_pair_needs_no_other_contrast(
    spoil: Callable[[Path], None], place: Path, cohort: Path, tmp_path: Path
) -> None:
    for subject in ("sub-00", "sub-03"):  # one of the training, for the baselines, and one of the test
        spoil(cohort / subject / "FLAIR.nii.gz")
    words = ("evaluate", place / "run", "--data", cohort, "--training", cohort)
    result = call(*words, "--pairs", "T1w:T2w", "--out", tmp_path / "pair")
    assert result.exit_code == 0, result.output
    assert "FLAIR.nii.gz" in result.stdout
    result = call(*words, "--pairs", "T1w:FLAIR,T1w:T2w", "--out", tmp_path / "both")
    assert result.exit_code == 1
    assert "FLAIR.nii.gz" in result.output


def test_a_completion_says_what_it_reads_and_an_unreadable_image_is_not_a_missing_one(
    place: Path, cohort: Path, tmp_path: Path
) -> None:
    no_header(cohort / "sub-00" / "T2w.nii.gz")
    (cohort / "sub-01" / "T2w.nii.gz").unlink()
    result = call("complete", place / "run", "--data", cohort, "--out", tmp_path / "all")
    assert result.exit_code == 1
    assert "T1w 4, T2w 2, FLAIR 4" in result.stdout
    assert "sub-00/T2w.nii.gz" in result.stderr
    assert [path.name for path in (tmp_path / "all").rglob("*.nii.gz")] == ["sub-01_desc-synthetic_T2w.nii.gz"]
    assert len(find_subjects(tmp_path / "all" / "subjects.csv").subjects) == 4
    (cohort / "sub-00" / "FLAIR.nii.gz").unlink()
    words = ("--sources", "T1w", "--targets", "FLAIR", "--out", tmp_path / "flair")
    result = call("complete", place / "run", "--data", cohort, *words)
    assert result.exit_code == 0, result.output
    assert [path.name for path in (tmp_path / "flair").rglob("*.nii.gz")] == ["sub-00_desc-synthetic_FLAIR.nii.gz"]


def test_a_list_that_is_not_anysyns_is_left_as_it_is(place: Path, cohort: Path, tmp_path: Path) -> None:
    (cohort / "sub-01" / "T2w.nii.gz").unlink()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "subjects.csv").write_text("subject,group\nsub-00,control\n")
    result = call("complete", place / "run", "--data", cohort, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "is no list of anysyn" in result.stderr
    assert "control" in (tmp_path / "out" / "subjects.csv").read_text()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--accelerator", "tpu"), "choices: "),
        (("--accelerator", "cppu"), "did you mean 'cpu'"),
        (("--accelerator", "mps"), "not on this machine"),
        (("--accelerator", "cpu", "--devices", "two"), "write a number of at least 1"),
        (("--accelerator", "cpu", "--devices", "0"), "write a number of at least 1"),
    ],
)
def test_devices_that_are_not_there_are_one_line(
    place: Path, tmp_path: Path, words: tuple[str, ...], part: str
) -> None:
    result = call("train", place / "tiny.yaml", "--out", tmp_path / "run", f"data.root={place / 'cohort'}", *words)
    assert result.exit_code == 1
    assert part in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_a_run_shows_who_was_where(place: Path, cohort: Path) -> None:
    result = call("data", place / "cohort", "--for", place / "run")
    assert result.exit_code == 0, result.output
    assert [line.split()[:2] for line in result.stdout.splitlines() if line.startswith("sub-")] == [
        ["sub-00", "train"], ["sub-01", "train"], ["sub-02", "validation"], ["sub-03", "test"]
    ]  # fmt: skip
    shutil.move(cohort / "sub-00", cohort / "other-00")
    moved = call("data", cohort, "--for", place / "run")  # found again by their names
    assert "sub-01" in moved.stdout
    assert "is in no part of the split" in moved.stdout
