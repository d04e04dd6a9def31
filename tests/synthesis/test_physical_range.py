"""What is written: in the physical range of its modality, air as in the source to the bit, finite, and said so."""

import json
import shutil
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import safetensors.torch
import torch
from toys import TINY, write_cohort
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app
from anysyn.data.geometry.grid import with_spacing
from anysyn.data.modalities import modalities, modality
from anysyn.data.prepare import Crop, Nonnegative, Pipeline, ZScore
from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume
from anysyn.errors import UserError
from anysyn.synthesis.loaded_run import load_run
from anysyn.synthesis.physical_range import bounds_of, outside_of, physical

BIAS = "synthesizer.decoder.head.bias"  # what is added to every voxel of the answer


def image_of(path):
    return np.asarray(nib.load(path).dataobj)


def study(name="T1w", air=0.0, tissue=500.0, noise=0.0):
    generator = torch.Generator().manual_seed(0)
    image = torch.full((12, 12, 12), air) + noise * torch.rand(12, 12, 12, generator=generator)
    image[3:9, 3:9, 3:9] = tissue * (1 + 0.1 * torch.rand(6, 6, 6, generator=generator))
    image[5, 5, 5] = air  # enclosed
    return study_of({name: Volume(image, np.eye(4))}, key="sub-01")


@pytest.fixture(scope="module")
def negative(tiny, tmp_path_factory):
    """Return the run of the tests with a bias that makes it answer below 0 in half of the head, and its cohort."""
    folder = tmp_path_factory.mktemp("negative")
    shutil.copytree(tiny / "run", folder / "run")
    weights = safetensors.torch.load_file(folder / "run" / "weights.safetensors")
    loaded = load_run(folder / "run", accelerator="cpu")
    subject = loaded.subjects(split="test")[0][0]
    prepared = loaded.prepare(subject)
    answer = loaded.predict(prepared, ["T1w"], ["T2w"])["T2w"][prepared.foreground]
    weights[BIAS] -= answer.median()
    safetensors.torch.save_file(weights, folder / "run" / "weights.safetensors")
    data = folder / "cohort" / "sub-00"
    data.mkdir(parents=True)
    shutil.copy(subject.images["T1w"], data / "T1w.nii.gz")
    return folder


def test_completion_has_no_negative_voxel_and_the_air_of_the_source_to_the_bit(negative, tmp_path):
    completed = anysyn.complete(negative / "run", data=negative / "cohort", out=tmp_path / "made", accelerator="cpu")
    source = image_of(negative / "cohort" / "sub-00" / "T1w.nii.gz")
    assert len(completed.written) == 2
    assert (source == 0).any()
    for path in completed.written:
        made = image_of(path)
        assert made.min() >= 0
        assert made[source == 0].tobytes() == source[source == 0].tobytes()
        assert (made[source != 0] > 0).any()
    record = json.loads(next((tmp_path / "made").rglob("*T2w.json")).read_text())
    assert record["PhysicalRange"] == [0.0, None]
    assert record["ClippedVoxels"] > 0.2 * (source != 0).sum()
    assert record["AirVoxels"] == (source == 0).sum()


def test_air_stays_air_at_another_voxel_size(negative, tmp_path):
    source = negative / "cohort" / "sub-00" / "T1w.nii.gz"
    given = image_of(source)
    for spacing in ((1.0, 1.0, 3.0), (3.0, 3.0, 4.0)):
        out = tmp_path / f"{spacing[0]}.nii.gz"
        anysyn.synthesize(negative / "run", sources={"T1w": source}, targets=["T2w"], out=out, spacing=spacing)
        made = image_of(out)
        assert made.min() >= 0
        assert not made[0, 0].any()  # an edge, far from the ellipsoid
        assert (made == 0).sum() >= 0.5 * made.size * (given == 0).mean()


def test_a_clean_answer_is_written_as_it_is(tiny, tmp_path):
    source = tiny / "cohort" / "sub-00" / "T1w.nii.gz"
    anysyn.synthesize(tiny / "run", sources={"T1w": source}, targets=["T2w"], out=tmp_path / "t2.nii.gz")
    record = json.loads((tmp_path / "t2.json").read_text())
    assert record["ClippedVoxels"] < 0.01 * image_of(source).size
    assert "AssumedUnits" not in record


def test_an_answer_that_is_not_finite_is_not_written(negative, tmp_path):
    loaded = load_run(negative / "run", accelerator="cpu")
    dict(loaded.model.named_parameters())[BIAS.removeprefix("synthesizer.")].data *= torch.nan
    completed = anysyn.complete(loaded, data=negative / "cohort", out=tmp_path / "made")
    assert not completed.written
    assert [failure.key for failure in completed.failures] == ["sub-00"]
    assert "voxels of the answer are not finite" in completed.failures[0].reason
    assert not list((tmp_path / "made").rglob("sub-*.*"))


def test_an_absurd_voxel_of_a_source_is_named(tiny, tmp_path):
    image = nib.load(tiny / "cohort" / "sub-00" / "T1w.nii.gz")
    voxels = image.get_fdata(dtype=np.float32)
    voxels[9, 8, 7] = 1e30
    nib.save(nib.Nifti1Image(voxels, image.affine), tmp_path / "t1.nii.gz")
    out = tmp_path / "out" / "t2.nii.gz"
    with pytest.raises(UserError, match=r"t1\.nii\.gz.*voxel \(9, 8, 7\) is 1e\+30"):
        anysyn.synthesize(tiny / "run", sources={"T1w": tmp_path / "t1.nii.gz"}, targets=["T2w"], out=out)
    assert not out.parent.exists()


@pytest.mark.parametrize("name", ["a.png", "t2.dcm", "t2.npy", "t2.gz"])
def test_an_output_of_another_format_is_refused(tiny, tmp_path, name):
    source = tiny / "cohort" / "sub-00" / "T1w.nii.gz"
    words = ["synthesize", str(tiny / "run"), "--source", f"T1w={source}", "--target", "T2w"]
    answer = CliRunner().invoke(app, [*words, "--out", str(tmp_path / name)])
    assert answer.exit_code == 1
    assert f"{name}: images are written as .nii" in answer.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_may_have_a_dot_in_its_name(tiny, tmp_path):
    (tmp_path / "made.here").mkdir()
    source = {"T1w": tiny / "cohort" / "sub-00" / "T1w.nii.gz"}
    for out in (tmp_path / "made.here", tmp_path / "run_v1.2"):
        anysyn.synthesize(tiny / "run", sources=source, targets=["T2w"], out=out)
        assert (out / "T2w.nii.gz").is_file()


def test_every_modality_states_its_range_and_air_lies_in_it():
    for known in modalities():
        low, high = known.range
        assert high is None
        assert low == (-1024.0 if known.family == "CT" else 0.0)
        assert study().air(known.name) >= low


@pytest.mark.parametrize(("name", "lowest"), [("T2w", 0.0), ("CT", -1024.0), ("FDG-PET", 0.0), ("ADC", 0.0)])
def test_what_lies_below_the_range_is_clipped_and_counted(name, lowest):
    image = torch.linspace(-3000, 3000, 101).reshape(101, 1, 1)
    outside = torch.zeros(image.shape, dtype=torch.bool)
    outside[:10] = True
    made = physical(image, bounds=modality(name).range, outside=outside, air=study().air(name))
    assert float(made.voxels[10:].min()) == lowest
    assert made.clipped == int((image[10:] < lowest).sum())
    assert (made.voxels[:10] == study().air(name)).all()
    assert made.air == 10


@pytest.mark.parametrize(
    ("source", "enclosed"), [(study(), False), (study("CT", -1000.0, 1040.0, noise=20.0), False)], ids=["MRI", "CT"]
)
def test_air_is_where_the_source_is_air_and_not_enclosed(source, enclosed):
    outside = outside_of(source)
    assert not outside[3:9, 3:9, 3:9].any()
    assert outside.sum() == 12**3 - 6**3
    assert bool(outside[5, 5, 5]) is enclosed


def test_where_air_is_noise_the_answer_of_the_network_stays():
    assert outside_of(study(noise=10.0)).float().mean() < 0.01


def test_a_constant_background_that_splines_left_is_air():
    assert outside_of(study(air=-0.0015)).sum() == 12**3 - 6**3


def test_air_of_another_grid_lies_between_voxels_of_air():
    source = study()
    onto = with_spacing(source.grid, (0.5, 0.5, 0.5))
    outside = outside_of(source, onto)
    assert outside.shape == onto.shape
    body = torch.zeros(onto.shape, dtype=torch.bool)
    body[5:19, 5:19, 5:19] = True  # within a voxel of the source's body
    assert torch.equal(outside, ~body)


def test_two_sources_are_air_only_where_both_are():
    two = study()
    other = study().images["T1w"].clone()
    other[0:2, 3:9, 3:9] = 400.0
    both = study_of({"T1w": Volume(two.images["T1w"], np.eye(4)), "T2w": Volume(other, np.eye(4))})
    assert not outside_of(both)[0:2, 3:9, 3:9].any()


def test_images_below_zero_by_intention_keep_their_sign(tmp_path):
    scaled = study_of({"T1w": Volume(study(tissue=1.0).images["T1w"] * 20 - 21, np.eye(4))})
    without, checked = Pipeline((Crop(), ZScore())), Pipeline((Nonnegative(), ZScore()))
    assert bounds_of("T2w", scaled, without) == (None, None)
    assert bounds_of("T2w", study(), without) == (0.0, None)
    assert bounds_of("T2w", scaled, checked) == (0.0, None)
    assert bounds_of("CT", scaled, without) == (-1024.0, None)


def test_a_run_on_z_scored_images_writes_z_scored_ones(tmp_path):
    cohort = write_cohort(tmp_path / "cohort")
    for path in cohort.rglob("*.nii.gz"):
        voxels = image_of(path)
        inside = voxels > 0
        scaled = np.where(inside, (voxels - voxels[inside].mean()) / voxels[inside].std(), 0)
        nib.save(nib.Nifti1Image(scaled.astype(np.float32), nib.load(path).affine), path)
    (tmp_path / "tiny.yaml").write_text(TINY)
    overrides = [f"data.root={cohort}", "stages.0.epochs=1"]
    with pytest.raises(UserError, match=r"lies below 0.*zscore"):
        anysyn.train(tmp_path / "tiny.yaml", out=tmp_path / "refused", overrides=overrides, accelerator="cpu")
    overrides.append("data.prepare=[{name: canonical}, {name: crop}, {name: zscore}]")
    run = anysyn.train(tmp_path / "tiny.yaml", out=tmp_path / "run", overrides=overrides, accelerator="cpu").folder
    source = {"T1w": cohort / "sub-00" / "T1w.nii.gz"}
    anysyn.synthesize(run, sources=source, targets=["T2w"], out=tmp_path / "t2.nii.gz")
    assert image_of(tmp_path / "t2.nii.gz").min() < 0


def test_the_sidecar_says_what_was_assumed_about_a_unit(tiny):
    from anysyn.synthesis.files import assumptions_record

    assumed = replace(study(), assumed={"ADC": "taken for mm^2/s"})
    assert assumptions_record(assumed, ["T1w", "ADC"]) == {"AssumedUnits": {"ADC": "taken for mm^2/s"}}
    assert assumptions_record(assumed, ["T1w"]) == {}
