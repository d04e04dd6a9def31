"""A MONAI bundle gives, by MONAI's own command, what the run answers."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec

import nibabel as nib
import numpy as np
import pytest
import torch
import yaml
from toys import TINY, write_cohort
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app
from anysyn.data.prepare.crop import Crop
from anysyn.data.prepare.intensity import Rescale, ZScore
from anysyn.data.prepare.resample import Resample
from anysyn.data.prepare.tissue_scale import DeepMedian, WhiteStripe
from anysyn.errors import UserError
from anysyn.exporting.bundle_config import sigma_of
from anysyn.exporting.monai_steps import restored, transforms_of
from anysyn.synthesis.tile_blending import raised_cosine

needs_fire = pytest.mark.skipif(
    find_spec("fire") is None, reason="needs fire, by which MONAI's command reads its words"
)

SLABS = {"name": "slabs", "thickness": 3}
PATCHES = {"name": "patches", "size": [8, 8, 8], "per_volume": 2}
DEEP = [{"name": "canonical"}, {"name": "nonnegative"}, {"name": "crop"}, {"name": "deep_median"}]
COARSE = [{"name": "canonical"}, {"name": "crop"}, {"name": "resample", "spacing": [2.5, 2.5, 2.5]}, {"name": "zscore"}]


def trained(folder, **data):
    tree = yaml.safe_load(TINY)
    tree["data"] |= data
    tree["stages"][0]["epochs"] = 1
    (folder / "r.yaml").write_text(yaml.safe_dump(tree))
    write_cohort(folder / "cohort")
    anysyn.train(folder / "r.yaml", out=folder / "run", overrides=[f"data.root={folder / 'cohort'}"], accelerator="cpu")
    return folder


def turned(tiny, folder):
    """Write the sources of a subject turned, shifted and with an odd size, as scans come."""
    files = {}
    for name in ("T1w", "FLAIR"):
        image = nib.load(tiny / "cohort" / "sub-01" / f"{name}.nii.gz")
        voxels = image.get_fdata(dtype=np.float32)[1:, ::-1, :-1].transpose(2, 0, 1)
        affine = np.array([[0, 2.0, 0, 5], [0, 0, -2.0, 9], [3.0, 0, 0, -4], [0, 0, 0, 1]])
        files[name] = folder / f"{name}.nii.gz"
        nib.save(nib.Nifti1Image(voxels, affine), files[name])
    return files


def bundle_answer(bundle, files, folder):
    words = [word for name, path in files.items() for word in (f"--{name}", path)]
    command = ["-m", "monai.bundle", "run", "--config_file", bundle / "configs/inference.json", "--bundle_root", bundle]
    ask = [sys.executable, *command, *words, "--output_dir", folder / "answer"]
    done = subprocess.run([*map(str, ask)], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr[-3000:]
    [path] = (folder / "answer").rglob("*.nii.gz")
    return nib.load(path)


@needs_fire
@pytest.mark.parametrize(
    ("data", "tolerance", "alike"),
    [
        pytest.param(None, 2e-3, 0.999, id="slices"),
        pytest.param({"view": SLABS, "prepare": DEEP}, 2e-3, 0.999, id="slabs"),
        pytest.param({"prepare": COARSE}, 0.02, 0.99, id="resampled", marks=pytest.mark.slow),
        pytest.param({"view": PATCHES}, 0.1, 0.95, id="patches", marks=pytest.mark.slow),
    ],
)
def test_monais_own_command_gives_the_answer_of_the_run(tiny, tmp_path, data, tolerance, alike):
    place = tiny if data is None else trained(tmp_path, **data)
    files, bundle = turned(place, tmp_path), tmp_path / "bundle"
    words = ["export", place / "run", "--format", "monai-bundle", "--sources", "T1w,FLAIR", "--target", "T2w"]
    result = CliRunner().invoke(app, [*map(str, words), "--out", str(bundle)])
    assert result.exit_code == 0, result.output
    [own] = anysyn.synthesize(
        place / "run", sources=files, targets=["T2w"], out=tmp_path / "own.nii.gz", accelerator="cpu", anyway=True
    )
    run, answer = nib.load(own), bundle_answer(bundle, files, tmp_path)
    assert answer.shape == run.shape
    np.testing.assert_allclose(answer.affine, run.affine, atol=1e-4)
    assert b"synthetic, not for clinical use" in answer.header["descrip"].item()
    there, here = answer.get_fdata(), run.get_fdata()
    difference = np.abs(there - here) / here.max()
    assert difference.mean() < tolerance
    assert np.percentile(difference, 99) < 10 * tolerance
    assert np.corrcoef(there.ravel(), here.ravel())[0, 1] > alike
    assert np.array_equal(there == 0, here == 0) or data is not None


def test_the_files_of_a_bundle(tiny, tmp_path):
    made = anysyn.export(tiny / "run", sources=["T1w"], target="T2w", out=tmp_path / "b", form="monai-bundle")
    found = {path.relative_to(tmp_path / "b").as_posix() for path in (tmp_path / "b").rglob("*") if path.is_file()}
    assert found == {
        *("configs/metadata.json", "configs/inference.json", "models/model.pt2", "docs/README.md", "LICENSE"),
        "manifest.json",
    }
    about = json.loads((tmp_path / "b" / "configs" / "metadata.json").read_text())
    assert about["network_data_format"]["inputs"]["image"]["channel_def"] == {"0": "T1w"}
    for key in ("version", "changelog", "monai_version", "pytorch_version", "numpy_version", "authors", "copyright"):
        assert about[key]
    assert "python -m monai.bundle run" in "\n".join(made.lines())
    for path in ("configs/metadata.json", "configs/inference.json", "docs/README.md"):
        assert str(tiny) not in (tmp_path / "b" / path).read_text()
    with pytest.raises(UserError, match="--overwrite"):
        anysyn.export(tiny / "run", sources=["T1w"], target="T2w", out=tmp_path / "b", form="monai-bundle")


def test_what_monai_has_nothing_for_is_one_line():
    with pytest.raises(UserError, match="MONAI has nothing like the step WhiteStripe"):
        transforms_of(WhiteStripe(), ["T1w"])
    with pytest.raises(UserError, match="keeps an axis as it is"):
        transforms_of(Resample(spacing=(1.0, None, 1.0)), ["T1w"])


@pytest.mark.parametrize(
    "step", [Rescale(), Rescale(lower=2.0), ZScore(), DeepMedian(), Rescale(windows={"T1w": [0, 50, 0.1]})]
)
def test_an_expression_scales_as_its_step_does(step):
    from monai.data import MetaTensor
    from scipy import ndimage

    from anysyn.data.volumes.study import Study

    draw = torch.Generator().manual_seed(1)
    image = torch.zeros(16, 18, 14)
    image[3:13, 4:15, 3:11] = 40 + 30 * torch.rand(10, 11, 8, generator=draw)
    expected, _ = step.forward(Study("s", "", {"T1w": image}, np.diag([1.0, 1, 3, 1]), image > 0))
    [made] = transforms_of(step, ["T1w"])
    call = eval(made["func"].removeprefix("$"), {"np": np, "torch": torch, "ndimage": ndimage})
    found = call(MetaTensor(image[None], affine=np.diag([1.0, 1, 3, 1])))[0]
    near = 0.02 if isinstance(step, DeepMedian) else 1e-5  # anysyn looks at every third millimetre
    np.testing.assert_allclose(found, expected.images["T1w"], atol=near)
    window = step.windows.get("T1w")
    if window:
        back = eval(f"lambda x: {restored(window)}", {})
        np.testing.assert_allclose(back(found), image, atol=1e-4)


def test_a_crop_is_that_of_the_run():
    from monai.data import MetaTensor
    from monai.transforms import CropForegroundd

    from anysyn.data.volumes.study import Study

    image, affine = torch.zeros(30, 32, 20), np.diag([1.0, 2.0, 3.0, 1])
    image[9:13, 2:15, 8:11] = 1
    own, _ = Crop(margin=5.0).forward(Study("s", "", {"T1w": image}, affine, image > 0))
    [made] = transforms_of(Crop(margin=5.0), ["T1w"])
    options = {key: value for key, value in made.items() if key not in ("_target_", "select_fn")}
    select = eval(made["select_fn"].removeprefix("$"), {"np": np, "torch": torch})
    found = CropForegroundd(**options, select_fn=select)({"image": MetaTensor(image[None], affine=affine)})["image"]
    assert tuple(found.shape[1:]) == own.grid.shape
    np.testing.assert_allclose(found.affine, own.affine)


def test_the_weights_of_a_slab_are_those_of_the_run():
    places = torch.arange(3) - 1.0
    gaussian = torch.exp(-places.square() / (2 * (3 * sigma_of(3)) ** 2))
    torch.testing.assert_close(gaussian, raised_cosine((torch.arange(3) + 0.5) / 3))
