"""A folder of people becomes a study that anysyn reads: registered, recorded, resumable, one failure a person."""

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from head_phantom import LIMB, grid_of, image, write

import anysyn
from anysyn.data.geometry.grid import resample, same_grid
from anysyn.data.subjects.find import find_subjects
from anysyn.data.volumes.study import read_study
from anysyn.data.volumes.volume import read_mask, read_volume
from anysyn.errors import UserError
from anysyn.files.hashes import digest
from anysyn.scans.brain.mask import dice
from anysyn.scans.registration.rotations import rigid

MOTION = rigid((6, 0, -4), (7, -5, 3))


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Return two people: one whose T2w moved, one whose contrasts share a grid."""
    folder = tmp_path_factory.mktemp("people")
    write(folder / "sub-01" / "anat" / "sub-01_T1w.nii.gz")
    write(
        folder / "sub-01" / "anat" / "sub-01_T2w.nii.gz", "T2w", grid_of((60, 70, 40), (3.0, 3.0, 5.0)), matrix=MOTION
    )
    (folder / "sub-01" / "anat" / "sub-01_T2w.json").write_text('{"EchoTime": 0.09}')
    for name in ("T1w", "T2w"):
        write(folder / "sub-02" / "anat" / f"sub-02_{name}.nii.gz", name)
    (folder / "participants.tsv").write_text("participant_id\tage\tsex\tsite\nsub-01\t41\tF\tA\nsub-02\t52\tM\tB\n")
    return folder


@pytest.fixture(scope="module")
def study(people, tmp_path_factory):
    return anysyn.prepare(people, out=tmp_path_factory.mktemp("study") / "out")


def images(folder):
    return sorted(path for path in folder.glob("sub-*/anat/*.nii.gz"))


def test_a_moved_contrast_lies_on_the_other(study):
    assert not study.failures
    subject = find_subjects(study.folder).subjects[0]
    prepared = read_study(subject)  # which demands one grid
    truth = image("T2w", prepared.grid, noise=0.0)
    moved = image("T2w", prepared.grid, matrix=MOTION, noise=0.0)
    error, before = ((prepared.images["T2w"] - other).abs().mean() for other in (truth, moved))
    assert error < before / 2
    assert torch.equal(prepared.images["T1w"], image("T1w"))  # the reference was canonical already


def test_the_study_is_read_with_people_and_acquisitions(study):
    subjects = find_subjects(study.folder).subjects
    assert [(one.key, one.dataset) for one in subjects] == [("sub-01", "A"), ("sub-02", "B")]
    record = subjects[0].acquisitions["T2w"]
    assert (record.echo_time_ms, record.age_years, record.sex) == (90.0, 41.0, "F")


def test_every_step_is_recorded(study, people):
    sidecar = json.loads((study.folder / "sub-01/anat/sub-01_space-T1w_desc-prepared_T2w.json").read_text())
    record, source = sidecar["Preparation"], people / "sub-01/anat/sub-01_T2w.nii.gz"
    assert record["Source"] == {"file": source.name, "sha256": digest(source)}
    assert np.array_equal(record["SourceGrid"]["Affine"], read_volume(source).affine)
    assert record["Transform"]["How"] == "registered"
    assert np.allclose(np.array(record["Transform"]["Matrix"]) @ MOTION, np.eye(4), atol=1.5)
    assert str(people) not in json.dumps(sidecar)


def test_who_is_whole_is_kept_and_what_is_damaged_is_made_again(study, people):
    before = {path: path.stat().st_mtime_ns for path in images(study.folder)}
    damaged = images(study.folder)[-1]  # of sub-02
    good = damaged.read_bytes()
    damaged.write_bytes(good[:-9])
    again = anysyn.prepare(people, out=study.folder)
    assert [one.kept for one in again.outcomes] == [True, False]
    assert damaged.read_bytes() == good
    assert all((path.stat().st_mtime_ns == time) == ("sub-01" in path.name) for path, time in before.items())


def test_other_options_never_pass_for_these(study, people):
    again = anysyn.prepare(people, out=study.folder, spacing=5.0)
    assert all("other options" in failure.reason for failure in again.failures)
    assert len(again.failures) == 2
    assert nib.load(images(study.folder)[0]).header.get_zooms()[0] == 4


def test_a_contrast_that_cannot_be_registered_is_left_out_and_said(people, tmp_path):
    write(tmp_path / "in" / "a" / "T1w.nii.gz")
    write(tmp_path / "in" / "a" / "T2w.nii.gz", "T2w", grid_of((60, 60, 60)), body=LIMB)
    write(tmp_path / "in" / "b" / "T1w.nii.gz")
    (tmp_path / "in" / "c").mkdir()
    good = write(tmp_path / "in" / "c" / "T1w.nii.gz").read_bytes()
    (tmp_path / "in" / "c" / "T1w.nii.gz").write_bytes(good[:-300])
    for _ in range(2):  # the second time it is said again
        study = anysyn.prepare(tmp_path / "in", out=tmp_path / "out")
        assert {failure.key for failure in study.failures} == {"a", "c"}
        assert [path.name.partition("_")[0] for path in images(study.folder)] == ["sub-a", "sub-b"]


@pytest.mark.slow
def test_several_processes_write_the_same_bytes(study, people, tmp_path):
    other = anysyn.prepare(people, out=tmp_path / "out", jobs=2)
    pairs = zip(images(study.folder), images(other.folder), strict=True)
    assert all(a.read_bytes() == b.read_bytes() for a, b in pairs)


def test_spacing_and_reference_are_as_asked(people, tmp_path):
    study = anysyn.prepare(people, out=tmp_path / "out", to="T2w", spacing=6.0)
    first = read_study(find_subjects(study.folder).subjects[0])
    assert first.grid.voxel_size == (6.0, 6.0, 6.0)
    own = read_volume(people / "sub-01/anat/sub-01_T2w.nii.gz").grid
    assert np.allclose(first.affine[:3, :3] / 6, own.affine[:3, :3] / own.spacing)
    assert all("space-T2w" in path.name for path in images(study.folder))


def test_nothing_of_others_is_touched(people, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"notes\.txt"):
        anysyn.prepare(people, out=tmp_path)
    with pytest.raises(UserError, match="lies in"):
        anysyn.prepare(people, out=people / "prepared")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_the_bias_is_divided_by_and_recorded(tmp_path):
    grid = grid_of((30, 36, 30), (6.0, 6.0, 6.0))
    shading = torch.linspace(0.7, 1.3, grid.shape[0]).reshape(-1, 1, 1)
    (tmp_path / "in" / "a").mkdir(parents=True)
    nib.save(nib.Nifti1Image((image(grid=grid) * shading).numpy(), grid.affine), tmp_path / "in" / "a" / "T1w.nii.gz")
    study = anysyn.prepare(tmp_path / "in", out=tmp_path / "out", bias=True)
    corrected = read_volume(images(study.folder)[0])
    [path] = study.folder.glob("derivatives/bias/sub-a/anat/*.nii.gz")
    field = read_volume(path)
    assert same_grid(corrected.grid, grid)
    assert torch.allclose(corrected.voxels * field.voxels, image(grid=grid) * shading, rtol=1e-5)
    inside = image("T1w", grid, noise=0) == 100  # one tissue
    assert corrected.voxels[inside].std() < 0.5 * (image(grid=grid) * shading)[inside].std()


def test_a_synthetic_image_is_no_scan(tmp_path):
    """A table may list one, and in the study nothing would say any more that it is synthetic."""
    files = [write(tmp_path / "in" / f"{name}.nii.gz", name) for name in ("T1w", "T2w")]
    (tmp_path / "in" / "T2w.json").write_text('{"Synthetic": true}')
    (tmp_path / "a.csv").write_text(f"subject,T1w,T2w\na,{files[0]},{files[1]}\n")
    study = anysyn.prepare(tmp_path / "a.csv", out=tmp_path / "out")
    assert [path.name for path in images(study.folder)] == ["sub-a_space-T1w_desc-prepared_T1w.nii.gz"]
    assert "synthetic" in study.failures[0].reason


def test_headers_can_be_trusted_instead(people, tmp_path):
    study = anysyn.prepare(people, out=tmp_path / "out", headers=True)
    prepared = read_study(find_subjects(study.folder).subjects[0])
    own = read_volume(people / "sub-01/anat/sub-01_T2w.nii.gz")
    assert torch.equal(prepared.images["T2w"], resample(own.voxels, own.grid, prepared.grid))


def test_masks_move_with_the_scan_on_whose_grid_they_lie(tmp_path):
    grid = grid_of((60, 70, 40), (3.0, 3.0, 5.0))
    write(tmp_path / "in" / "a" / "T1w.nii.gz")
    write(tmp_path / "in" / "a" / "T2w.nii.gz", "T2w", grid, matrix=MOTION)
    lesion = ((20, 10, 30), (14, 14, 14), (1, 1))  # a ball that moved with the head
    write(tmp_path / "in" / "a" / "lesion_mask.nii.gz", "T2w", grid, matrix=MOTION, body=(lesion,), noise=0)
    write(tmp_path / "in" / "a" / "tumor_mask.nii.gz", grid=grid_of((9, 9, 9)), body=(lesion,), noise=0)
    study = anysyn.prepare(tmp_path / "in", out=tmp_path / "out")
    [subject] = find_subjects(study.folder).subjects
    assert list(subject.masks) == ["lesion"]
    there = image("T1w", body=(lesion,), noise=0) > 0
    assert dice(read_mask(subject.masks["lesion"]).voxels, there) > 0.8
    assert ["tumor_mask.nii.gz lies on the grid of no scan" in bad.reason for bad in study.failures] == [True]
