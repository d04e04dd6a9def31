"""From a trained run to maps beside a synthesis, as a user types it."""

import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app
from anysyn.data.volumes.volume import read_volume
from anysyn.errors import UserError
from anysyn.synthesis import load_run
from anysyn.trust.trusted import NAME, read_calibration


@pytest.fixture(scope="module")
def calibrated(tiny, tmp_path_factory):
    """Return the tiny run, calibrated on the whole cohort; and the cohort."""
    run = tmp_path_factory.mktemp("calibrated") / "run"
    shutil.copytree(tiny / "run", run)
    anysyn.calibrate(run, split="all", accelerator="cpu")
    return run, tiny / "cohort"


def typed(run, cohort, out, *more):
    scans = cohort / "sub-00"
    sources = ["--source", f"T1w={scans / 'T1w.nii.gz'}", "--source", f"T2w={scans / 'T2w.nii.gz'}"]
    words = ["synthesize", str(run), *sources, "--target", "FLAIR", "--out", str(out), "--trust", *more]
    return CliRunner().invoke(app, words)


def test_maps_lie_on_the_grid_of_the_source_in_its_air_and_say_what_they_are(calibrated, tmp_path):
    run, cohort = calibrated
    result = typed(run, cohort, tmp_path / "flair.nii.gz")
    assert result.exit_code == 0, result.output
    kinds = ("error", "intervallower", "intervalupper", "dependsT1w", "dependsT2w")
    maps = {kind: nib.load(tmp_path / f"flair_desc-{kind}.nii.gz") for kind in kinds}
    made, source = nib.load(tmp_path / "flair.nii.gz"), nib.load(cohort / "sub-00" / "T1w.nii.gz")
    values = {kind: image.get_fdata() for kind, image in maps.items()}
    for kind, image in maps.items():
        assert np.array_equal(image.affine, source.affine), kind
        record = json.loads((tmp_path / f"flair_desc-{kind}.json").read_text())
        assert (record["Synthetic"], record["TrustMap"]) == (True, kind)
    inside = read_volume(cohort / "sub-00" / "T1w.nii.gz").voxels.numpy() > 0
    assert (values["error"] >= 0).all()
    assert values["error"][inside].mean() > 0
    assert (values["intervallower"] >= 0).all(), "an MRI is a magnitude"
    between = (values["intervallower"] <= made.get_fdata() + 1e-3) & (
        made.get_fdata() <= values["intervalupper"] + 1e-3
    )
    assert between[inside].mean() > 0.999
    assert np.abs(values["dependsT1w"])[inside].max() > 0


def test_without_one_of_two_sources_the_answer_is_what_the_map_says(calibrated, tmp_path):
    run, cohort = calibrated
    typed(run, cohort, tmp_path / "flair.nii.gz")
    scans = cohort / "sub-00"
    anysyn.synthesize(run, sources={"T2w": scans / "T2w.nii.gz"}, targets=["FLAIR"], out=tmp_path / "fewer.nii.gz")
    whole, fewer, depends = (
        nib.load(tmp_path / f"{name}.nii.gz").get_fdata() for name in ("flair", "fewer", "flair_desc-dependsT1w")
    )
    inside = (whole > 0) & (fewer > 0)
    np.testing.assert_allclose((whole - depends)[inside], fewer[inside], rtol=1e-3, atol=1e-3 * whole.max())


def test_what_is_there_is_replaced_only_if_asked(calibrated, tmp_path):
    run, cohort = calibrated
    assert typed(run, cohort, tmp_path / "flair.nii.gz").exit_code == 0
    again = typed(run, cohort, tmp_path / "flair.nii.gz")
    assert (again.exit_code, "--overwrite" in again.output) == (1, True)
    assert typed(run, cohort, tmp_path / "flair.nii.gz", "--overwrite").exit_code == 0
    with pytest.raises(UserError, match=f"{NAME} exists"):
        anysyn.calibrate(run, split="all", accelerator="cpu")


def test_a_run_without_calibration_or_with_other_weights_says_so_before_it_synthesizes(calibrated, tiny, tmp_path):
    run, cohort = calibrated
    result = typed(tiny / "run", cohort, tmp_path / "flair.nii.gz")
    assert (result.exit_code, "anysyn calibrate" in result.output) == (1, True)
    assert not (tmp_path / "flair.nii.gz").exists()
    other = tmp_path / "other"
    shutil.copytree(tiny / "run", other)
    shutil.copy(run / NAME, other / NAME)
    weights = other / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(UserError, match="is of other weights"):
        read_calibration(load_run(other, accelerator="cpu"))
    (other / NAME).write_bytes(b"no tensors")
    with pytest.raises(UserError, match="is no calibration that anysyn wrote"):
        read_calibration(load_run(other, accelerator="cpu"))


def test_a_target_that_is_a_source_is_refused_before_anything_is_written(calibrated, tmp_path):
    run, cohort = calibrated
    asked = {"sources": {"T1w": cohort / "sub-00" / "T1w.nii.gz"}, "targets": ["T1w"], "out": tmp_path / "t1.nii.gz"}
    with pytest.raises(UserError, match="--target T1w is a source, too"):
        anysyn.synthesize(run, **asked, accelerator="cpu", beside=[anysyn.TrustMaps.of(run)])
    assert not any(tmp_path.iterdir())


def test_the_calibration_names_nobody(calibrated):
    run, cohort = calibrated
    content = (run / NAME).read_bytes()
    assert not any(path.name.encode() in content for path in cohort.iterdir())
    assert NAME in (run / "manifest.json").read_text()
