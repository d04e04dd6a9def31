"""A run that is loaded already stands wherever a folder does, and one name wherever several may."""

import nibabel as nib
import numpy as np
import pytest

import anysyn
from anysyn.errors import UserError
from anysyn.synthesis.given_run import loaded_run
from anysyn.training.run_folder.names import find_run


@pytest.fixture(scope="module")
def run(tiny):
    return anysyn.load(tiny / "run", accelerator="cpu")


@pytest.fixture
def scan(tiny):
    return {"T1w": tiny / "cohort" / "sub-00" / "T1w.nii.gz"}


def test_whatever_load_returns_is_taken_as_it_is(run):
    assert loaded_run(run) is loaded_run(run.loaded) is run.loaded
    assert find_run(run) is find_run(run.loaded) is run.loaded.folder


def test_a_loaded_run_is_as_good_as_its_folder(run, scan, tiny, tmp_path):
    for number, given in enumerate((tiny / "run", run.loaded, run)):
        anysyn.synthesize(given, sources=scan, targets="T2w", out=tmp_path / f"{number}.nii.gz", accelerator="cpu")
        assert list(anysyn.check(given, sources=scan).verdicts) == ["T1w.nii.gz"]
    images = [np.asarray(nib.load(tmp_path / f"{number}.nii.gz").dataobj) for number in range(3)]
    np.testing.assert_array_equal(images[0], images[1])
    np.testing.assert_array_equal(images[0], images[2])


def test_another_precision_than_that_of_a_loaded_run_is_refused(run, scan, tmp_path):
    with pytest.raises(UserError, match="precision bf16-mixed: the run is loaded in 32-true already"):
        anysyn.synthesize(run, sources=scan, targets="T2w", out=tmp_path / "a.nii.gz", precision="bf16-mixed")


@pytest.mark.parametrize("verb", [anysyn.evaluate, anysyn.check, anysyn.calibrate, anysyn.load])
def test_what_is_no_run_is_one_line(verb):
    with pytest.raises(UserError, match="a dict is no run; name a run folder or a packaged run"):
        verb({})


@pytest.mark.parametrize("targets", ["T2w", ["T2w"], ("t2",)])
def test_one_target_is_one_target(run, scan, tmp_path, targets):
    made = anysyn.synthesize(run, sources=scan, targets=targets, out=tmp_path / "t2.nii.gz")
    assert made == [tmp_path / "t2.nii.gz"]


def test_one_name_is_never_taken_for_its_letters(run, tiny, tmp_path):
    done = anysyn.complete(run, data=tiny / "cohort", out=tmp_path, targets="FLAIR", sources="T1w", participants="00")
    assert not done.failures
    with pytest.raises(UserError, match=r"no modality named 'FLIAR'; did you mean 'FLAIR'\? choices: FLAIR, T1w, T2w$"):
        anysyn.synthesize(run, sources={"T1w": tmp_path / "t1.nii.gz"}, targets="FLIAR", out=tmp_path / "a.nii.gz")
    with pytest.raises(UserError, match=r"stages\.0\.epoch: stage takes no 'epoch'; did you mean 'epochs'"):
        anysyn.train("small/label", out=tmp_path / "run", overrides="stages.0.epoch=2")


def test_an_image_in_memory_is_sent_to_the_function_for_it(run, tmp_path):
    image = nib.Nifti1Image(np.zeros((4, 4, 4), np.float32), np.eye(4))
    for verb, options in ((anysyn.check, {}), (anysyn.synthesize, {"targets": "T2w", "out": tmp_path / "a.nii.gz"})):
        with pytest.raises(UserError, match=r"T1w: a Nifti1Image is no file; .* call what anysyn\.load\(run\) returns"):
            verb(run, sources={"T1w": image}, **options)
        with pytest.raises(UserError, match="sources: a Nifti1Image; hand in files by modality"):
            verb(run, sources=image, **options)
