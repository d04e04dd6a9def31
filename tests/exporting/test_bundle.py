"""A MONAI bundle gives, by MONAI's own command, what the run answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec

import nibabel as nib
import numpy as np
import pytest
import torch
import yaml
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from text_runs import text_recipe
from torch.export.passes import move_to_device_pass
from toys import TINY, write_cohort
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app
from anysyn.data.prepare import (
    Canonical,
    Crop,
    DeepMedian,
    Nonnegative,
    Preparation,
    Resample,
    Rescale,
    WhiteStripe,
    ZScore,
)
from anysyn.data.volumes.study import Study
from anysyn.errors import UserError
from anysyn.exporting.bundle_code import FOLDER, code
from anysyn.exporting.monai_steps import transforms_of

needs_fire = pytest.mark.skipif(
    find_spec("fire") is None, reason="needs fire, by which MONAI's command reads its words"
)

SLABS = {"name": "slabs", "thickness": 3}
PATCHES = {"name": "patches", "size": [9, 8, 7], "per_volume": 2, "halo": 1}  # of no multiple, and longer than an axis
LIIF = {
    "encoder": {"name": "resnet", "blocks": 2, "width": 8, "out": 12},
    "decoder": {"name": "liif", "hidden": [8, 8]},
}
DEEP = [{"name": "canonical"}, {"name": "nonnegative"}, {"name": "crop"}, {"name": "deep_median"}]
COARSE = [
    {"name": "canonical"},
    {"name": "crop"},
    {"name": "resample", "spacing": [2.5, 1.5, 2.5], "interpolation": "bspline"},
    {"name": "zscore"},
]


def trained(folder, tree=None, parts=None, **data):
    tree = yaml.safe_load(TINY) if tree is None else tree
    tree["data"] |= data
    tree["parts"]["synthesizer"] |= parts or {}
    for stage in tree["stages"]:
        stage["epochs"] = 1
    (folder / "r.yaml").write_text(yaml.safe_dump(tree))
    write_cohort(folder / "cohort")
    anysyn.train(folder / "r.yaml", out=folder / "run", overrides=[f"data.root={folder / 'cohort'}"], accelerator="cpu")
    return folder


def turned(tiny, folder):
    """Write the sources of a subject turned, shifted, with an odd size and air that is noise, as scans come."""
    files, noise = {}, np.random.default_rng(5)
    for name in ("T1w", "FLAIR"):
        image = nib.load(tiny / "cohort" / "sub-01" / f"{name}.nii.gz")
        voxels = image.get_fdata(dtype=np.float32)[1:, ::-1, :-1].transpose(2, 0, 1)
        voxels = voxels + np.abs(noise.normal(0, 3, voxels.shape)).astype(np.float32)
        affine = np.array([[0, 2.0, 0, 5], [0, 0, -2.0, 9], [3.0, 0, 0, -4], [0, 0, 0, 1]])
        files[name] = folder / f"{name}.nii.gz"
        image = nib.Nifti1Image(voxels, affine)
        image.set_sform(affine, 4)
        image.set_qform(affine, 0)
        nib.save(image, files[name])
    return files


def bundle_answer(bundle, files, folder):
    words = [word for name, path in files.items() for word in (f"--{name}", path)]
    command = ["-m", "monai.bundle", "run", "--config_file", bundle / "configs/inference.json", "--bundle_root", bundle]
    ask = [sys.executable, *command, *words, "--output_dir", folder / "answer"]
    (folder / "without" / "anysyn").mkdir(parents=True)
    (folder / "without" / "anysyn" / "__init__.py").write_text("raise ImportError('a bundle needs no anysyn')")
    alone = {**os.environ, "PYTHONPATH": str(folder / "without")}
    done = subprocess.run([*map(str, ask)], capture_output=True, text=True, check=False, cwd=folder, env=alone)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "logging file" not in done.stderr
    [path] = (folder / "answer").rglob("*.nii.gz")
    return nib.load(path)


def both(place, folder, *words):
    """Return the image of the bundle, by MONAI's own command, and that of the run."""
    files, bundle = turned(place, folder), folder / "bundle"
    command = ["export", place / "run", "--format", "monai-bundle", "--sources", "T1w,FLAIR", "--target", "T2w"]
    result = CliRunner().invoke(app, [*map(str, command), *words, "--out", str(bundle)])
    assert result.exit_code == 0, result.output
    [own] = anysyn.synthesize(
        place / "run", sources=files, targets=["T2w"], out=folder / "own.nii.gz", accelerator="cpu", anyway=True
    )
    return bundle_answer(bundle, files, folder), nib.load(own)


def alike(answer, run):
    """Compare them: both are stored in 16 bits or as float32."""
    assert answer.shape == run.shape
    np.testing.assert_allclose(answer.affine, run.affine, atol=1e-4)
    there, here = answer.get_fdata(), run.get_fdata()
    assert here.std() > 0
    np.testing.assert_allclose(there, here, atol=1e-5 * here.max(), rtol=0)


@needs_fire
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(None, id="slices"),
        pytest.param({"view": PATCHES}, id="patches", marks=pytest.mark.slow),
        pytest.param({"view": PATCHES, "parts": LIIF}, id="liif", marks=pytest.mark.slow),
        pytest.param({"view": {**SLABS, "thickness": 5}, "prepare": DEEP}, id="slabs", marks=pytest.mark.slow),
        pytest.param({"view": SLABS, "prepare": COARSE}, id="resampled", marks=pytest.mark.slow),
        pytest.param({"view": {"name": "whole"}}, id="whole", marks=pytest.mark.slow),
    ],
)
def test_monais_own_command_gives_the_answer_of_the_run(tiny, tmp_path, data):
    answer, run = both(tiny if data is None else trained(tmp_path, **data), tmp_path)
    alike(answer, run)
    assert b"synthetic, not for clinical use" in answer.header["descrip"].item()
    assert (int(answer.header["qform_code"]), int(answer.header["sform_code"])) == (0, 4)


def test_the_network_of_a_bundle_moves_to_another_device(tiny, tmp_path):
    anysyn.export(tiny / "run", sources=["T1w"], target="T2w", out=tmp_path / "b", form="monai-bundle")
    program = torch.export.load(tmp_path / "b" / "models" / "model.pt2")
    moved = move_to_device_pass(program, "meta").module()  # a device that every machine has
    assert moved(torch.rand(1, 1, 20, 23, 1, device="meta")).device.type == "meta"


@needs_fire
@pytest.mark.slow
def test_a_network_that_reads_prompts_is_told_the_voxel_size(tmp_path):
    answer, run = both(trained(tmp_path, text_recipe()), tmp_path, "--spacing", "2,2,3")
    alike(answer, run)


def test_the_files_of_a_bundle(tiny, tmp_path):
    made = anysyn.export(tiny / "run", sources=["T1w"], target="T2w", out=tmp_path / "b", form="monai-bundle")
    found = {path.relative_to(tmp_path / "b").as_posix() for path in (tmp_path / "b").rglob("*") if path.is_file()}
    assert found == {
        *(
            "configs/metadata.json",
            "configs/inference.json",
            "configs/logging.conf",
            "models/model.pt2",
            "docs/README.md",
            "LICENSE",
        ),
        *("manifest.json", *code()),
    }
    about = json.loads((tmp_path / "b" / "configs" / "metadata.json").read_text())
    assert about["network_data_format"]["inputs"]["image"]["channel_def"] == {"0": "T1w"}
    for key in ("version", "changelog", "monai_version", "pytorch_version", "numpy_version", "authors", "copyright"):
        assert about[key]
    assert "python -m monai.bundle run" in "\n".join(made.lines())
    for path in ("configs/metadata.json", "configs/inference.json", "docs/README.md"):
        assert str(tiny) not in (tmp_path / "b" / path).read_text()
    again = {"sources": ["T1w"], "target": "T2w", "out": tmp_path / "b", "form": "monai-bundle"}
    with pytest.raises(UserError, match="--overwrite"):
        anysyn.export(tiny / "run", **again)
    left = tmp_path / "b" / FOLDER / "__pycache__" / "boxes.cpython-312.pyc"  # once it has run
    left.parent.mkdir()
    left.touch()
    anysyn.export(tiny / "run", **again, overwrite=True)
    assert not left.exists()


class Odd(Preparation):
    """A step of a plugin."""


def test_what_a_bundle_has_nothing_for_is_one_line():
    with pytest.raises(UserError, match="a bundle has nothing like the step Odd"):
        transforms_of(Odd(), ["T1w"])


def called(step, names, items):
    """Apply the transforms of a step as the configuration of a bundle names them."""
    for made in transforms_of(step, names):
        parser = ConfigParser({"step": json.loads(json.dumps(made).replace(FOLDER, "bundled"))})
        items = parser.get_parsed_content("step")(items)
    return items


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    """Make the code of a bundle importable under a name of its own."""
    for path, text in code().items():
        file = tmp_path / path.replace(FOLDER, "bundled")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.replace(FOLDER, "bundled"))
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "bundled"]:
        del sys.modules[name]


def test_the_code_of_a_bundle_names_no_module_of_anysyn():
    assert not re.findall(r"^\s*(?:from|import) anysyn(?!_steps)", "\n".join(code().values()), re.MULTILINE)


@pytest.mark.parametrize(
    "step",
    [
        *(Rescale(), Rescale(lower=2.0), ZScore(), DeepMedian(), WhiteStripe()),
        *(Rescale(windows={"T1w": [0, 50, 0.1]}), Nonnegative(), Crop(margin=5.0), Canonical()),
        *(Resample(spacing=(1.5, None, 4.0)), Resample(spacing=(2, 2, 2), interpolation="bspline")),
    ],
)
def test_a_transform_does_as_its_step_and_back(step, bundled):
    draw = torch.Generator().manual_seed(1)
    image = torch.zeros(16, 18, 14)
    image[3:13, 4:15, 3:11] = 40 + 30 * torch.rand(10, 11, 8, generator=draw)
    image[0, 0, 0] = -1
    affine = np.array([[0, 1.0, 0, 3], [-2, 0, 0, 4], [0, 0, 3.0, 5], [0, 0, 0, 1]])
    study, _ = step.forward(Study("s", "", {"T1w": image}, affine, image > 0))
    items = {"image": MetaTensor(image[None], affine=affine), "inside": MetaTensor((image > 0)[None], affine=affine)}
    done = called(step, ["T1w"], items)
    np.testing.assert_array_equal(done["image"][0], study.images["T1w"])
    np.testing.assert_array_equal(done["inside"][0] > 0.5, study.foreground)
    np.testing.assert_allclose(done["image"].affine, study.affine, atol=1e-12)
    if study.windows:
        assert done["air"] == [study.air("T1w")]


def test_a_ct_is_clipped_and_aired_as_in_a_run(bundled):
    from bundled.volume_steps import Physical, Restored  # the copy in the folder

    given = torch.full((1, 6, 6, 6), -1000.0)
    given[0, 1:5, 1:5, 1:5] = 40
    items = {"given": given, "body": given > -500, "pred": torch.linspace(-2, 2, 216).reshape(1, 6, 6, 6)}
    restored = Restored((-1000.0, 1000.0), -1000.0)(items)
    found = Physical(["CT"], -1024.0, None, -1000.0)(restored)["pred"][0]
    inside = given[0] > -500
    np.testing.assert_allclose(found[inside], (items["pred"][0] * 2000 - 1000).clamp(min=-1024)[inside], rtol=1e-5)
    assert bool((found[~inside] == -1000).all())
