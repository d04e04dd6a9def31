"""Maps of trust wherever an image is synthesized: in a whole folder, on a scan as it came, on other voxels."""

import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from head_phantom import grid_of, write
from packed import pack_tiny
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app
from anysyn.data.volumes.volume import read_volume
from anysyn.errors import UserError
from anysyn.scans.way_back import way_back
from anysyn.synthesis.scans import synthesize_scans

KINDS = ("error", "intervallower", "intervalupper", "dependsT1w", "dependsT2w")


@pytest.fixture(scope="module")
def run(tiny, tmp_path_factory):
    """Return the tiny run, calibrated on the whole cohort."""
    run = tmp_path_factory.mktemp("calibrated") / "run"
    shutil.copytree(tiny / "run", run)
    anysyn.calibrate(run, split="all", accelerator="cpu")
    return run


@pytest.fixture(scope="module")
def lacking(tiny, tmp_path_factory):
    """Return two subjects without FLAIR."""
    folder = tmp_path_factory.mktemp("lacking")
    for key in ("sub-00", "sub-01"):
        (folder / key).mkdir()
        for name in ("T1w", "T2w"):
            shutil.copy(tiny / "cohort" / key / f"{name}.nii.gz", folder / key)
    return folder


def complete(run, data, out, *more):
    words = ["complete", str(run), "--data", str(data), "--out", str(out), "--targets", "FLAIR", "--trust"]
    return CliRunner().invoke(app, [*words, "--accelerator", "cpu", *more])


def maps_of(out, key):
    return {kind: out / key / "anat" / f"{key}_desc-{kind}_FLAIR.nii.gz" for kind in KINDS}


def test_a_folder_is_completed_with_maps_and_those_that_are_lost_are_made_again(run, lacking, tmp_path):
    out = tmp_path / "out"
    first = complete(run, lacking, out)
    assert first.exit_code == 0, first.output
    assert "files written beside them: 10" in first.output
    written = {path: path.read_bytes() for key in ("sub-00", "sub-01") for path in maps_of(out, key).values()}
    assert "files written beside them" not in complete(run, lacking, out).output
    lost = maps_of(out, "sub-01")["error"]
    lost.unlink()
    again = complete(run, lacking, out)
    assert "images written: 0" in again.output
    assert "files written beside them: 5" in again.output
    assert np.array_equal(nib.load(lost).get_fdata(), nib.Nifti1Image.from_bytes(_unpacked(written[lost])).get_fdata())


def _unpacked(content):
    import gzip

    return gzip.decompress(content)


def test_maps_of_another_calibration_do_not_pass_for_those_of_this_one(run, lacking, tmp_path):
    out, other = tmp_path / "out", tmp_path / "other"
    assert complete(run, lacking, out).exit_code == 0
    shutil.copytree(run, other)
    anysyn.calibrate(other, split="all", level=0.8, accelerator="cpu", overwrite=True)
    refused = complete(other, lacking, out)
    assert (refused.exit_code, refused.output.count("is of something else")) == (1, 2)
    assert complete(other, lacking, out, "--overwrite").exit_code == 0
    record = json.loads((out / "sub-00/anat/sub-00_desc-intervalupper_FLAIR.json").read_text())
    assert record["Level"] == 0.8


def test_maps_are_no_scans(run, lacking, tmp_path):
    complete(run, lacking, tmp_path / "out")
    with pytest.raises(UserError, match=r"no images found|synthetic"):
        anysyn.find_subjects(tmp_path / "out")


def test_maps_of_a_scan_as_it_came_are_those_of_the_prepared_one_brought_back(run, tmp_path):
    people, out = tmp_path / "people", tmp_path / "out"
    write(people / "a" / "T1w.nii.gz", grid=grid_of((44, 40, 36), (4.5, 4.5, 5.0)))
    write(people / "a" / "T2w.nii.gz", "T2w", grid_of((60, 70, 40), (3.0, 3.0, 5.0)))
    maps = anysyn.TrustMaps.of(run)
    result = synthesize_scans(run, source=people, targets=["FLAIR"], out=out, accelerator="cpu", beside=[maps])
    assert not result.failures
    assert len(result.beside) == len(KINDS)
    prepared = {name: next(out.glob(f"prepared/sub-a/anat/*prepared_{name}.nii.gz")) for name in ("T1w", "T2w")}
    flair = tmp_path / "flair.nii.gz"
    anysyn.synthesize(run, sources=prepared, targets=["FLAIR"], out=flair, accelerator="cpu", beside=[maps])
    given, way = nib.load(people / "a" / "T1w.nii.gz"), way_back(prepared["T1w"])
    for kind, path in maps_of(out, "sub-a").items():
        assert np.array_equal(nib.load(path).affine, given.affine), kind
        by_hand = way.back(read_volume(tmp_path / f"flair_desc-{kind}.nii.gz").voxels)
        np.testing.assert_allclose(nib.load(path).get_fdata(), by_hand, rtol=1e-4, atol=1e-4 * float(by_hand.max()))


def test_a_packaged_run_says_how_to_have_maps_and_that_works(tiny, tmp_path):
    packed = pack_tiny(tiny, tmp_path)
    for ask in (lambda: anysyn.TrustMaps.of(packed), lambda: anysyn.calibrate(packed, accelerator="cpu")):
        with pytest.raises(UserError, match="begin a run of your own with its weights and calibrate that"):
            ask()
    mine, keep = tmp_path / "mine", [f"data.root={tiny / 'cohort'}", "stages.0.epochs=0"]
    anysyn.train(from_run=packed, out=mine, overrides=keep, untrained=True, accelerator="cpu")
    anysyn.calibrate(mine, split="all", accelerator="cpu")
    scan, ask = {"T1w": tiny / "cohort" / "sub-00" / "T1w.nii.gz"}, {"targets": ["FLAIR"], "accelerator": "cpu"}
    maps = anysyn.TrustMaps.of(mine)
    written = anysyn.synthesize(mine, sources=scan, out=tmp_path / "mine.nii.gz", beside=[maps], **ask)
    assert [path.name for path in written][1] == "mine_desc-error.nii.gz"
    anysyn.synthesize(packed, sources=scan, out=tmp_path / "packed.nii.gz", **ask)
    own, same = (nib.load(tmp_path / f"{name}.nii.gz").get_fdata() for name in ("mine", "packed"))
    assert np.corrcoef(own.ravel(), same.ravel())[0, 1] > 0.999  # the weights of the packaged run, in half precision


def test_maps_on_other_voxels_lie_where_the_image_lies(run, tiny, tmp_path):
    scan = tiny / "cohort" / "sub-00" / "T1w.nii.gz"
    asked = {"sources": {"T1w": scan}, "targets": ["FLAIR"], "accelerator": "cpu", "beside": [anysyn.TrustMaps.of(run)]}
    written = anysyn.synthesize(run, **asked, out=tmp_path / "same.nii.gz")
    edges = [2 * edge for edge in nib.load(scan).header.get_zooms()]
    coarse = anysyn.synthesize(run, **asked, out=tmp_path / "coarse.nii.gz", spacing=edges)
    image, error = nib.load(coarse[0]), nib.load(coarse[1])
    assert coarse[1].name == "coarse_desc-error.nii.gz"
    assert (error.shape, error.affine.tolist()) == (image.shape, image.affine.tolist())
    fine = nib.load(written[1])
    assert error.get_fdata().mean() == pytest.approx(fine.get_fdata().mean(), rel=0.2)
