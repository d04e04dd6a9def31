"""Scans as they come, on different grids, are answered on the grid of one of them; who fails is listed."""

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from head_phantom import LIMB, grid_of, write
from nifti_files import turned
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app
from anysyn.data.geometry.grid import Grid
from anysyn.data.volumes.volume import read_volume
from anysyn.errors import UserError
from anysyn.scans.registration.rotations import rigid
from anysyn.scans.way_back import way_back
from anysyn.synthesis.loaded_run import load_run
from anysyn.synthesis.scans import synthesize_scans

OWN = Grid((40, 44, 40), turned(5, -4, 8, zooms=(4.5, 4.5, 4.5), mirrored=True))


@pytest.fixture(scope="module")
def run(tiny):
    return load_run(tiny / "run", accelerator="cpu")


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Return a person with a T1w that runs against the world's axes and a T2w of another grid; and two with faults."""
    folder = tmp_path_factory.mktemp("people")
    own = OWN._replace(affine=OWN.affine.copy())
    own.affine[:3, 3] = -own.affine[:3, :3] @ ((np.array(own.shape) - 1) / 2)  # around the head
    write(folder / "a" / "T1w.nii.gz", grid=own)
    write(
        folder / "a" / "T2w.nii.gz", "T2w", grid_of((60, 70, 40), (3.0, 3.0, 5.0)), matrix=rigid((4, 0, -5), (6, -5, 3))
    )
    write(folder / "b" / "T1w.nii.gz")
    write(folder / "b" / "T2w.nii.gz", "T2w", grid_of((60, 60, 60)), body=LIMB)
    good = write(folder / "c" / "T1w.nii.gz", grid=grid_of((9, 9, 9))).read_bytes()
    (folder / "c" / "T1w.nii.gz").write_bytes(good[:-200])
    return folder


@pytest.fixture(scope="module")
def made(run, people, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "out"
    return out, synthesize_scans(run, source=people, targets=["FLAIR"], out=out)


def test_the_answer_lies_on_the_scan_as_it_came(made, people):
    out, _ = made
    given, answer = (
        nib.load(people / "a" / "T1w.nii.gz"),
        nib.load(out / "sub-a/anat/sub-a_desc-synthetic_FLAIR.nii.gz"),
    )
    assert answer.shape == given.shape
    assert np.array_equal(answer.affine, given.affine)
    assert answer.header["sform_code"] == given.header["sform_code"]
    assert "synthetic" in str(answer.header["descrip"])


def test_it_is_the_answer_from_the_prepared_scans(made, run, tmp_path):
    """The network, asked by hand on the prepared files, says the same; its answer brought back is copied here."""
    out, _ = made
    prepared = {name: next(out.glob(f"prepared/sub-a/anat/*prepared_{name}.nii.gz")) for name in ("T1w", "T2w")}
    anysyn.synthesize(run, sources=prepared, targets=["FLAIR"], out=tmp_path / "flair.nii.gz")
    by_hand = way_back(prepared["T1w"]).back(read_volume(tmp_path / "flair.nii.gz").voxels)
    answer = read_volume(out / "sub-a/anat/sub-a_desc-synthetic_FLAIR.nii.gz").voxels
    assert answer.std() > 0
    near = torch.isclose(answer, by_hand, rtol=1e-4, atol=1e-3 * float(by_hand.max()))
    assert near.float().mean() > 0.9999  # at the very corner the T2w's field of view ends


def test_who_fails_is_listed_and_the_others_go_on(made):
    out, result = made
    assert sorted({failure.key for failure in result.failures}) == ["b", "c"]
    assert "T2w" in next(failure.reason for failure in result.failures if failure.key == "b")
    assert [path.parts[-3] for path in result.written] == ["sub-a", "sub-b"]  # b from its T1w alone
    sidecar = json.loads((out / "sub-b/anat/sub-b_desc-synthetic_FLAIR.json").read_text())
    assert list(sidecar["SourceImages"]) == ["T1w"]
    assert sidecar["Preparation"]["T1w"]["Transform"]["How"] == "reference"


def test_what_is_there_stays_and_nothing_else_passes_for_it(made, run, people):
    out, result = made
    again = synthesize_scans(run, source=people, targets=["FLAIR"], out=out)
    assert again.written == ()
    assert again.kept == result.written
    other = synthesize_scans(run, source=people, targets=["FLAIR"], sources=["T2w"], out=out)
    assert any("asked for differently" in failure.reason for failure in other.failures)


def test_a_study_is_answered_on_a_scan_that_was_turned(made, run, people, tmp_path):
    out, _ = made
    synthesize_scans(run, source=out / "prepared", targets=["FLAIR"], to="T2w", out=tmp_path / "out")
    given = nib.load(people / "a" / "T2w.nii.gz")
    answer = nib.load(tmp_path / "out/sub-a/anat/sub-a_desc-synthetic_FLAIR.nii.gz")
    assert answer.shape == given.shape
    assert np.allclose(answer.affine, given.affine)
    inside = np.asarray(given.dataobj) > 20
    assert np.mean(np.asarray(answer.dataobj)[inside] > 0) > 0.9


def test_only_what_a_person_lacks_is_completed(made, run, people, tmp_path):
    """A contrast that is there and could not be registered is not missing."""
    out, _ = made
    result = synthesize_scans(run, source=out / "prepared", missing=True, out=tmp_path / "out")
    names = sorted(path.name for path in result.written)
    assert names == ["sub-a_desc-synthetic_FLAIR.nii.gz", "sub-b_desc-synthetic_FLAIR.nii.gz"]


def test_the_commands_say_what_they_miss(made, people):
    run = CliRunner().invoke
    assert "--study" in run(app, ["synthesize", "r", "--target", "T2w", "--out", "o"]).output
    both = run(app, ["synthesize", "r", "--target", "T2w", "--out", "o", "--study", "s", "--source", "T1w=a.nii"])
    assert "--source" in both.output
    assert both.exit_code == 2


@pytest.mark.parametrize("option", [["--headers"], ["--to", "T1w"], ["--jobs", "2"]])
def test_options_of_prepared_scans_are_refused_for_files(option):
    words = ["synthesize", "r", "--target", "T2w", "--out", "o", "--source", "T1w=a.nii", *option]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 2
    assert f"{option[0]}: for scans that are prepared" in " ".join(shown.output.split())


def test_scans_of_one_examination_lie_where_their_headers_say(run, people, tmp_path):
    """What no registration brings together is a source then, and its place is that of its header."""
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "b").symlink_to(people / "b")
    result = synthesize_scans(run, source=alone, targets=["FLAIR"], out=tmp_path / "out", headers=True)
    assert not result.failures
    sidecar = json.loads((tmp_path / "out/sub-b/anat/sub-b_desc-synthetic_FLAIR.json").read_text())
    assert list(sidecar["SourceImages"]) == ["T1w", "T2w"]
    assert "nformation" not in json.dumps(sidecar["Preparation"]["T2w"]), "nothing was registered"


def test_a_run_that_needs_brains_says_which_extra_it_lacks(tiny, run, people, tmp_path, monkeypatch):
    from anysyn.scans.brain import network

    monkeypatch.setattr(network, "installed", lambda: False)
    monkeypatch.setattr("anysyn.synthesis.scans._training", lambda _: {"BrainExtracted": True})
    with pytest.raises(UserError, match=r"anysyn\[brain\]"):
        synthesize_scans(run, source=people, targets=["FLAIR"], out=tmp_path / "out")
