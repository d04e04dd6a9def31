"""Tables and sidecars as a stranger writes them: one case or one line is lost, never the run."""

import os

import nibabel as nib
import numpy as np
import pytest

from anysyn.data.subjects.find import find_subjects
from anysyn.errors import UserError


def volume(path):
    nib.Nifti1Image(np.arange(8.0).reshape(2, 2, 2), np.eye(4)).to_filename(path)
    return path


@pytest.mark.parametrize("cell", ["~nosuchuser/x.nii", "x" * 5000, "/dev/zero", "/dev/stdin"])
def test_a_cell_that_names_no_file_costs_one_image(tmp_path, cell):
    file = volume(tmp_path / "x.nii.gz")
    (tmp_path / "list.csv").write_text(f"subject,T1w,T2w\na,{cell},{file}\nb,{file},{file}\n")
    found = find_subjects(tmp_path / "list.csv")
    assert {subject.key: len(subject.images) for subject in found.subjects} == {"a": 1, "b": 2}
    assert len(found.failures) == 1


@pytest.mark.parametrize("kind", ["pipe", "device", "sparse", "deep", "digits"])
def test_a_sidecar_that_is_none_costs_one_image(tmp_path, kind):
    folder = tmp_path / "sub-01/anat"
    folder.mkdir(parents=True)
    for name in ("T1w", "T2w"):
        volume(folder / f"sub-01_{name}.nii.gz")
    sidecar = folder / "sub-01_T1w.json"
    if kind == "pipe":
        os.mkfifo(sidecar)
    elif kind == "device":
        sidecar.symlink_to("/dev/zero")
    else:
        sidecar.write_text('{"a":' * 100_000 if kind == "deep" else '{"EchoTime": %s}' % ("9" * 4000))
        if kind == "sparse":
            os.truncate(sidecar, 6_000_000_000)
    found = find_subjects(tmp_path)
    assert [set(subject.images) for subject in found.subjects] == [{"T1w", "T2w"} if kind == "digits" else {"T2w"}]


def test_of_a_file_that_is_no_table_nothing_is_shown(tmp_path):
    for name, content in {"x": b"TOPSECRET\n", "y.csv": b"TOPSECRET \xe9\n"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError) as caught:
            find_subjects(tmp_path / name, layout="csv")
        assert "TOPSECRET" not in str(caught.value)


def test_a_table_of_very_many_columns_is_refused(tmp_path):
    (tmp_path / "wide.csv").write_text("subject," + ",".join(f"c{i}" for i in range(30_000)) + "\n")
    with pytest.raises(UserError, match="more than 500 columns"):
        find_subjects(tmp_path / "wide.csv")
