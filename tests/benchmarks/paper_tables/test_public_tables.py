"""Tables of public data sets, on tiny folders in the layouts in which these are distributed."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import run
import SimpleITK as sitk
from paper_tables import launch as launching
from paper_tables.cohorts import TRAINING, subjects_of
from paper_tables.plan import Options, plan_of
from paper_tables.read_table import read_table, table_files
from paper_tables.sizes import read_size
from paper_tables.store import Store
from paper_tables.train_and_measure import train_and_measure
from typer.testing import CliRunner

from anysyn.progress import Progress

SHAPE = (20, 24, 18)
LONG = (20, 56, 18)  # more than 32 voxels of 5 mm, below which SwinUNETR has a single one at its deepest level
PEOPLE = 6
SIZES = ("tiny", "small", "paper")
CHALLENGE = "ASNR-MICCAI-BraTS2023-GLI-Challenge-TrainingData"


def brain(phase: float, seed: int, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Return a ball of rings with noise, (X, Y, Z), whose contrast depends on a phase."""
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    radius = (places**2).sum(0)
    noise = np.random.default_rng(seed).standard_normal(shape)
    return ((radius < 0.8) * (400 + 200 * np.cos(5 * radius + phase) + 20 * noise)).astype(np.float32)


def nifti(path: Path, voxels: np.ndarray, edge: float = 4.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(voxels, np.diag([edge, edge, edge, 1.0])).to_filename(path)


def metaimage(path: Path, voxels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = sitk.GetImageFromArray(voxels.transpose(2, 1, 0))
    picture.SetSpacing((4.0, 4.0, 4.0))
    sitk.WriteImage(picture, str(path), True)


def ixi(root: Path) -> None:
    """Write a folder for each contrast; the T1w has a grid of its own; there are more contrasts."""
    for number in range(PEOPLE):
        name = f"IXI{number + 2:03d}-{('Guys', 'HH', 'IOP')[number % 3]}-{828 + number:04d}"
        nifti(root / "IXI-T1" / f"{name}-T1.nii.gz", brain(0, number, (16, 20, 15)), 4.8)
        for phase, word in enumerate(("T2", "PD", "MRA"), 1):
            nifti(root / f"IXI-{word}" / f"{name}-{word}.nii.gz", brain(phase, number))
        for direction in range(2):
            nifti(root / "IXI-DTI" / f"{name}-DTI-{direction:02d}.nii.gz", brain(0, number))


def brasyn(root: Path) -> None:
    """Write a folder for each person of BraTS 2023, with a label map of the tumour."""
    tumour = np.zeros(SHAPE, np.uint8)
    tumour[8:13, 8:13, 7:12], tumour[9:12, 9:12, 8:11], tumour[10, 10, 9] = 2, 3, 1
    for number in range(PEOPLE):
        name = f"BraTS-GLI-{number:05d}-000"
        for phase, word in enumerate(("t1n", "t1c", "t2w", "t2f")):
            nifti(root / CHALLENGE / name / f"{name}-{word}.nii.gz", brain(phase, number))
        nifti(root / CHALLENGE / name / f"{name}-seg.nii.gz", tumour)


def synthrad(root: Path) -> None:
    """Write a folder for each person of each region, and the overviews of a region."""
    for number in range(PEOPLE):
        region = ("AB", "HN", "TH")[number % 3]
        folder, body = root / "Task1" / region / f"1{region}A{number:03d}", brain(0, number, LONG)
        metaimage(folder / "mr.mha", body)
        metaimage(folder / "ct.mha", np.where(body > 0, body - 400, -1000).astype(np.int16))
        metaimage(folder / "mask.mha", (body > 0).astype(np.uint8))
        (root / "Task1" / region / "overviews").mkdir(exist_ok=True)
        (root / "Task1" / region / "overviews" / f"1_{region}_train.csv").write_text("ID\n")


LAYOUTS = {"ixi-any": ixi, "brasyn-any": brasyn, "synthrad-1": synthrad}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("public")
    for name, write in LAYOUTS.items():
        write(root / name)
    return root


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    """Do the jobs here: a process of its own for each would spend its time on imports."""

    def jobs(jobs, *_):
        for job in jobs:
            yield job, 0 if train_and_measure(json.loads(job.file.read_text()), accelerator="cpu") else 1

    monkeypatch.setattr(launching, "_local", jobs)


def cells(name: str, folders: Path, out: Path, *words: str) -> list[dict[str, str]]:
    where = ["--data", str(folders / name), "--out", str(out), "--size", "tiny"]
    result = CliRunner().invoke(run.app, [name, *where, *words])
    assert result.exit_code == 0, result.output
    with (out / "tables" / f"{name}-tiny" / "table.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", LAYOUTS)
def test_everyone_is_read_and_every_recipe_fits(name, size, folders, tmp_path):
    table = read_table(table_files()[name])
    own, store = read_size(size, table), Store(tmp_path)
    subjects = subjects_of(table, own, {TRAINING: folders / name}, store, Progress())
    assert len(subjects[TRAINING].people()) == PEOPLE
    assert all(set(table.modalities) <= set(subject.images) for subject in subjects[TRAINING].people())
    plan = plan_of(table, Options(size=own, subjects=subjects), store)
    assert plan.mistakes == {}
    assert {name for name, wanted in plan.absent.items() if wanted} == set()
    told = {key: value for key, value in table.data.model_dump().items() if value}
    assert all(told.items() <= tree["data"].items() for tree in plan.recipes.values())


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_baselines_of_a_table_are_measured(name, folders, tmp_path):
    table = read_table(table_files()[name])
    simple = {method.name for method in table.methods if method.simple}
    lines = cells(name, folders, tmp_path, "--only", ",".join(simple))
    measured = [line for line in lines if line["method"] in simple]
    assert {(line["set"], line["task"]) for line in measured} == {(place[0], place[1]) for place in table.places()}
    assert [line for line in measured if int(line["cases"]) == 0] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_cell_of_a_table_is_filled(name, folders, tmp_path):
    methods = read_table(table_files()[name]).methods
    absent = {method.name for method in methods if method.simple is None and method.recipe is None}
    lines = cells(name, folders, tmp_path)
    assert [line for line in lines if line["method"] not in absent and int(line["cases"]) == 0] == []
    assert {line["note"] for line in lines if line["method"] in absent} <= {"no recipe"}
