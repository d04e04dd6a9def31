import hashlib
import json
import shutil
import time

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import torch
from nifti_files import make, turned
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app
from anysyn.data.errors import VolumeError
from anysyn.data.volumes.volume import read_volume, write_volume
from anysyn.errors import UserError
from anysyn.synthesis.loaded_run import load_run
from anysyn.synthesis.written_images import digest
from anysyn.training.run_folder.folder import RunError


@pytest.fixture(scope="module")
def run(tiny):
    return load_run(tiny / "run", accelerator="cpu")


def moved(path, source):
    """Write an image with another geometry, which is left-handed too."""
    affine = turned(0, 0, 17, zooms=(2.0, 2.0, 3.3), mirrored=True)
    affine[:3, 3] = 31.5, -12.25, 7.125
    return make(path, np.asarray(nib.load(source).dataobj), affine, codes=(1, 2))


def test_the_output_has_the_geometry_of_the_input(tiny, run, tmp_path):
    source = moved(tmp_path / "t1.nii.gz", tiny / "cohort" / "sub-00" / "T1w.nii.gz")
    out = tmp_path / "t2.nii.gz"
    assert anysyn.synthesize(run, sources={"T1w": source}, targets=["T2w"], out=out) == [out]
    given, made = nib.load(source), nib.load(out)
    assert made.shape == given.shape
    assert np.array_equal(made.affine, given.affine)
    for form in ("qform", "sform"):
        (a, code_a), (b, code_b) = (getattr(x, f"get_{form}")(coded=True) for x in (given, made))
        assert code_a == code_b
        assert np.array_equal(a, b)
    assert made.header.get_xyzt_units() == given.header.get_xyzt_units()


def test_the_output_says_that_it_is_synthetic(tiny, run, tmp_path):
    source, out = tiny / "cohort" / "sub-00" / "T1w.nii.gz", tmp_path / "t2.nii.gz"
    anysyn.synthesize(run, sources={"t1": source}, targets=["T2w"], out=out)
    assert "synthetic, not for clinical use" in str(nib.load(out).header["descrip"])
    sidecar = json.loads((tmp_path / "t2.json").read_text())
    assert sidecar["Synthetic"] is True
    assert sidecar["SourceImages"]["T1w"]["sha256"] == digest(source)
    assert sidecar["Weights"]["sha256"] == digest(tiny / "run" / "weights.safetensors")
    assert sidecar["Target"] == "T2w"
    assert sidecar["Versions"]["torch"]
    assert "not for clinical use" in sidecar["Description"]


def test_intensities_come_back_to_the_unit_of_the_files(tiny, run, tmp_path):
    out = tmp_path / "t2.nii.gz"
    anysyn.synthesize(run, sources={"T1w": tiny / "cohort" / "sub-00" / "T1w.nii.gz"}, targets=["T2w"], out=out)
    made = np.asarray(nib.load(out).dataobj)
    high = json.loads((tiny / "run" / "windows.json").read_text())["overall"]["T2w"][1]
    assert high > 100
    assert 0.2 * high < np.percentile(made[made > 0], 95) < 2 * high
    assert made[0, 0, 0] == 0  # background stays background


@pytest.mark.parametrize("ending", ["mha", "nrrd", "mgz"])
def test_other_formats_are_answered_in_their_own(tiny, run, tmp_path, ending):
    """The same voxels in another format give the same answer, where they were, and a folder has their ending."""
    real = moved(tmp_path / "t1.nii.gz", tiny / "cohort" / "sub-00" / "T1w.nii.gz")
    volume = read_volume(real)
    write_volume(volume, tmp_path / f"t1.{ending}")
    outs = [tmp_path / name / f"t2.{end}" for name, end in (("a", "nii.gz"), ("b", ending))]
    for source, out in zip((real, tmp_path / f"t1.{ending}"), outs, strict=True):
        anysyn.synthesize(run, sources={"T1w": source}, targets=["T2w"], out=out)
    plain, other = map(read_volume, outs)
    torch.testing.assert_close(other.voxels, plain.voxels)
    np.testing.assert_array_equal(other.affine, read_volume(tmp_path / f"t1.{ending}").affine)
    assert (tmp_path / "b" / "t2.json").is_file()
    two = {"sources": {"T1w": tmp_path / f"t1.{ending}"}, "targets": ["T2w", "FLAIR"]}
    names = [path.name for path in anysyn.synthesize(run, out=tmp_path / "two", **two)]
    assert names == [f"T2w.{ending}", f"FLAIR.{ending}"]


def test_a_header_with_its_voxels_in_another_file_is_answered_for_both(tiny, run, tmp_path):
    image = sitk.ReadImage(str(tiny / "cohort" / "sub-00" / "T1w.nii.gz"))
    sitk.WriteImage(image, str(tmp_path / "t1.mhd"))
    with pytest.raises(UserError, match=r"let its name end in \.mha"):
        anysyn.synthesize(run, sources={"T1w": tmp_path / "t1.mhd"}, targets=["T2w"], out=tmp_path / "t2.mhd")
    anysyn.synthesize(run, sources={"T1w": tmp_path / "t1.mhd"}, targets=["T2w"], out=tmp_path / "t2.mha")
    both = (tmp_path / "t1.mhd").read_bytes() + (tmp_path / "t1.raw").read_bytes()
    known = json.loads((tmp_path / "t2.json").read_text())["SourceImages"]["T1w"]
    assert known == {"file": "t1.mhd", "sha256": hashlib.sha256(both).hexdigest()}


@pytest.mark.parametrize("spacing", [(1e-9, 1, 1), (1e-4, 1e-4, 1e-4), (0.01, 0.01, 0.01)])
def test_an_output_beyond_reason_is_refused_before_work_begins(tiny, run, tmp_path, spacing):
    source, start = tiny / "cohort" / "sub-00" / "T1w.nii.gz", time.perf_counter()
    with pytest.raises(UserError, match=r"--target-spacing .* 20x24x12 voxels .* would become .* choose larger voxels"):
        anysyn.synthesize(run, sources={"T1w": source}, targets=["T2w"], out=tmp_path / "a.nii", spacing=spacing)
    assert time.perf_counter() - start < 5
    assert not list(tmp_path.iterdir())


def test_several_targets_go_to_a_folder_and_equal_the_single_ones(tiny, run, tmp_path):
    sources = {name: tiny / "cohort" / "sub-00" / f"{name}.nii.gz" for name in ("T1w", "T2w")}
    paths = anysyn.synthesize(run, sources=sources, targets=["FLAIR", "T2w"], out=tmp_path / "many")
    assert [path.name for path in paths] == ["FLAIR.nii.gz", "T2w.nii.gz"]
    one = anysyn.synthesize(run, sources=sources, targets=["FLAIR"], out=tmp_path / "one.nii.gz")[0]
    assert np.array_equal(nib.load(one).dataobj, nib.load(paths[0]).dataobj)


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_the_batch_bounds_memory_and_changes_nothing(run, batch):
    study = run.prepare(run.subjects(split="test")[0][0])
    whole = run.predict(study, ["T1w"], ["T2w"], batch=8)["T2w"]
    torch.testing.assert_close(run.predict(study, ["T1w"], ["T2w"], batch=batch)["T2w"], whole, atol=1e-5, rtol=0)


def test_the_target_is_never_looked_at(run):
    subject = run.subjects(split="test")[0][0]
    study = run.prepare(subject)
    honest = run.predict(study, ["T1w"], ["T2w"])["T2w"]
    study.images["T2w"][:] = 123.0
    assert torch.equal(run.predict(study, ["T1w"], ["T2w"])["T2w"], honest)


def synthesize(tiny, run, out, **options):
    source = options.pop("source", tiny / "cohort" / "sub-00" / "T1w.nii.gz")
    return anysyn.synthesize(run, sources={"T1w": source}, targets=["T2w"], out=out, **options)


def state(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_nothing_is_overwritten_unless_asked(tiny, run, tmp_path):
    out = tmp_path / "t2.nii.gz"
    synthesize(tiny, run, out)
    before = state(tmp_path)
    with pytest.raises(UserError, match="--overwrite"):
        synthesize(tiny, run, out, source=tiny / "cohort" / "sub-01" / "T1w.nii.gz")
    assert state(tmp_path) == before
    synthesize(tiny, run, out, source=tiny / "cohort" / "sub-01" / "T1w.nii.gz", overwrite=True)
    assert state(tmp_path).keys() == before.keys()
    assert all(content != before[name] for name, content in state(tmp_path).items())


@pytest.mark.parametrize("name", ["t2.nii.gz", "t2.json"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_what_anysyn_did_not_make_is_never_replaced(tiny, run, tmp_path, name, overwrite):
    acquired = tiny / "cohort" / "sub-00" / "T2w.nii.gz"
    content = acquired.read_bytes() if name == "t2.nii.gz" else b'{"EchoTime": 0.1}'
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=r"was not made by anysyn|--overwrite"):
        synthesize(tiny, run, tmp_path / "t2.nii.gz", overwrite=overwrite)
    assert state(tmp_path) == {name: content}


def test_an_acquired_scan_beside_the_sidecar_of_a_synthetic_one_is_not_replaced(tiny, run, tmp_path):
    out = tmp_path / "t2.nii.gz"
    synthesize(tiny, run, out)
    shutil.copy(tiny / "cohort" / "sub-00" / "T2w.nii.gz", out)
    before = state(tmp_path)
    with pytest.raises(UserError, match="was not made by anysyn"):
        synthesize(tiny, run, out, overwrite=True)
    assert state(tmp_path) == before


def test_a_source_and_its_sidecar_are_never_replaced(tiny, run, tmp_path):
    acquired = tmp_path / "t1.nii.gz"
    shutil.copy(tiny / "cohort" / "sub-00" / "T1w.nii.gz", acquired)
    made = synthesize(tiny, run, tmp_path / "t2.nii.gz")[0]
    before = state(tmp_path)
    for source, out in ((acquired, "t1.nii"), (made, "t2.nii"), (made, "t2.nii.gz"), (acquired, "t1.nii.gz")):
        with pytest.raises(UserError, match="source") as caught:
            synthesize(tiny, run, tmp_path / out, source=source, overwrite=True)
        assert len(str(caught.value).splitlines()) == 1
    assert state(tmp_path) == before


def test_a_synthetic_source_that_is_named_is_used_and_the_sidecar_says_so(tiny, run, tmp_path):
    made = anysyn.synthesize(
        run, sources={"T2w": tiny / "cohort" / "sub-00" / "T2w.nii.gz"}, targets=["T1w"], out=tmp_path / "t1.nii.gz"
    )[0]
    synthesize(tiny, run, tmp_path / "flair.nii.gz", source=made)
    synthesize(tiny, run, tmp_path / "other.nii.gz")
    chained, plain = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("flair", "other"))
    assert chained["SourceImages"]["T1w"]["synthetic"] is True
    assert "synthetic" not in plain["SourceImages"]["T1w"]


def test_the_sidecar_names_the_hash_of_its_image_and_the_request(tiny, run, tmp_path):
    out = synthesize(tiny, run, tmp_path / "t2.nii.gz", spacing=(2, 2, 3))[0]
    sidecar = json.loads((tmp_path / "t2.json").read_text())
    assert sidecar["Image"] == {"file": "t2.nii.gz", "sha256": hashlib.sha256(out.read_bytes()).hexdigest()}
    assert sidecar["Request"] == {"Sources": ["T1w"], "ResampleTo": None, "VoxelSizeMm": [2.0, 2.0, 3.0]}


@pytest.mark.parametrize("fails", ["write_volume", "write_json"])
def test_a_full_disk_leaves_the_earlier_image_with_its_sidecar(tiny, run, tmp_path, monkeypatch, fails):
    out = tmp_path / "t2.nii.gz"
    synthesize(tiny, run, out)
    before = state(tmp_path)

    def full(first, second, **_):
        path = second if fails == "write_volume" else first
        if fails == "write_volume":
            raise VolumeError(f"{path}: No space left on device; free some space")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(f"anysyn.synthesis.written_images.{fails}", full)
    with pytest.raises((VolumeError, OSError), match="No space left") as caught:
        synthesize(tiny, run, out, source=tiny / "cohort" / "sub-01" / "T1w.nii.gz", overwrite=True)
    assert state(tmp_path) == before
    assert ".part" not in str(caught.value) or fails == "write_json"


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_images_never_share_a_sidecar(tiny, run, tmp_path, overwrite):
    synthesize(tiny, run, tmp_path / "t2.nii.gz")
    before = state(tmp_path)
    for name in ("t2.nii", "t2.mha"):
        with pytest.raises(UserError, match=r"its sidecar .*t2\.json is that of .*t2\.nii\.gz"):
            synthesize(tiny, run, tmp_path / name, overwrite=overwrite)
    assert state(tmp_path) == before


def test_an_image_that_was_cut_off_from_its_sidecar_can_be_made_again(tiny, run, tmp_path):
    out = tmp_path / "t2.nii.gz"
    synthesize(tiny, run, out)
    (tmp_path / "t2.json").unlink()  # as if it had been killed between the two
    synthesize(tiny, run, out, overwrite=True)
    assert (tmp_path / "t2.json").is_file()


@pytest.mark.parametrize(
    ("sources", "targets", "out", "message"),
    [
        ({"T1x": "T1w"}, ["T2w"], "a.nii.gz", "T1x"),
        ({"T1w": "T1w"}, ["T2x"], "a.nii.gz", "did you mean 'T2w'"),
        ({"T1w": "T1w"}, ["CT"], "a.nii.gz", "knows no 'CT'"),
        ({"T1w": "missing"}, ["T2w"], "a.nii.gz", r"missing\.nii\.gz.*check the path"),
        ({"T1w": "T1w"}, ["T2w", "FLAIR"], "a.nii.gz", "need a folder"),
        ({"T1w": "T1w"}, ["T2w", "t2"], "folder", "ask for one modality twice"),
        ({"T1w": "T1w", "t1": "T2w"}, ["T2w"], "a.nii.gz", "name one modality twice"),
    ],
)
def test_mistakes_are_one_line(tiny, run, tmp_path, sources, targets, out, message):
    files = {name: tiny / "cohort" / "sub-00" / f"{stem}.nii.gz" for name, stem in sources.items()}
    with pytest.raises(UserError, match=message) as caught:
        anysyn.synthesize(run, sources=files, targets=targets, out=tmp_path / out)
    assert len(str(caught.value).splitlines()) == 1
    assert not any(tmp_path.iterdir())


def test_a_target_that_is_a_source_is_said(tiny, run, tmp_path):
    scan = tiny / "cohort" / "sub-00" / "T1w.nii.gz"
    with pytest.warns(UserWarning, match="T1w is a source and the target, so the answer saw the truth"):
        anysyn.synthesize(run, sources={"T1w": scan}, targets="T1w", out=tmp_path / "t1.nii.gz", accelerator="cpu")
    words = ["synthesize", str(tiny / "run"), "--source", f"T1w={scan}", "--target", "T1w"]
    shown = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "own.nii.gz"), "--accelerator", "cpu"])
    assert shown.exit_code == 0
    assert shown.stderr.count("so the answer saw the truth") == 1


def test_different_grids_say_how_to_resample(tiny, run, tmp_path):
    folder = tiny / "cohort" / "sub-00"
    sources = {"T1w": folder / "T1w.nii.gz", "T2w": moved(tmp_path / "t2.nii.gz", folder / "T2w.nii.gz")}
    with pytest.raises(UserError, match="--resample-to T1w"):
        anysyn.synthesize(run, sources=sources, targets=["FLAIR"], out=tmp_path / "f.nii.gz")
    out = anysyn.synthesize(run, sources=sources, targets=["FLAIR"], out=tmp_path / "f.nii.gz", resample_to="T1w")[0]
    assert np.array_equal(nib.load(out).affine, nib.load(sources["T1w"]).affine)


@pytest.mark.parametrize("shape", [(20, 24, 1), (3, 4, 2), (40, 41, 5)])
def test_volumes_of_any_size_go_through(run, tmp_path, shape):
    source = tmp_path / "t1.nii.gz"
    image = np.random.default_rng(0).uniform(1, 100, shape).astype(np.float32)
    nib.save(nib.Nifti1Image(image, np.diag([2.0, 2, 3, 1])), source)
    out = anysyn.synthesize(run, sources={"T1w": source}, targets=["T2w"], out=tmp_path / "t2.nii.gz")[0]
    assert nib.load(out).shape == shape
    assert np.isfinite(nib.load(out).get_fdata()).all()


def test_an_unfinished_run_says_how_to_go_on(tiny, tmp_path):
    shutil.copytree(tiny / "run", tmp_path / "run")
    (tmp_path / "run" / "weights.safetensors").unlink()
    with pytest.raises(RunError, match="--resume"):
        load_run(tmp_path / "run")


def test_truncated_weights_are_one_line(tiny, tmp_path):
    shutil.copytree(tiny / "run", tmp_path / "run")
    weights = tmp_path / "run" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(RunError, match=r"weights\.safetensors: cannot be read"):
        load_run(tmp_path / "run")


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        load_run(tmp_path)
