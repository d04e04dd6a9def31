import csv
import shutil
import traceback

import nibabel as nib
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.utils._python_dispatch import TorchDispatchMode
from toys import TINY, write_cohort

from anysyn.synthesis import load_run
from anysyn.training import not_finite, stage, steps, validation
from anysyn.training.fit import resume, train
from anysyn.training.not_finite import damaged_images
from anysyn.training.run_folder.folder import RunError
from anysyn.types import Batch

PARTS = "data.split={train: [sub-00, sub-01], validation: [sub-02], test: [sub-03]}"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("not_finite")
    write_cohort(folder / "cohort")
    (folder / "tiny.yaml").write_text(TINY)
    return folder


def fit(place, out, *overrides, cohort="cohort"):
    overrides = [f"data.root={place / cohort}", PARTS, *overrides]
    return train(place / "tiny.yaml", out=out, overrides=overrides, accelerator="cpu")


def validations(monkeypatch, *scores):
    """Let the validations of a training return these scores."""
    left = list(scores)
    monkeypatch.setattr(stage, "validate", lambda *_: [{"l1": left.pop(0)}])


def test_nan_is_never_the_best_and_is_said(place, tmp_path, monkeypatch):
    validations(monkeypatch, float("nan"), 0.5, float("nan"), 0.7)
    result = fit(place, tmp_path / "run", "stages.0.epochs=4")
    (failure,) = result.failures
    assert str(failure).startswith("stage synthesis: the validation of epoch 1 is not finite (l1 nan)")


def test_the_weights_before_a_nan_are_kept(place, tmp_path, monkeypatch):
    constant = "stages.0.steps.0.schedule={name: constant}"
    validations(monkeypatch, 0.5, float("nan"))
    run = fit(place, tmp_path / "run", "stages.0.epochs=2", constant).folder
    validations(monkeypatch, 0.5)
    first = fit(place, tmp_path / "first", "stages.0.epochs=1", constant).folder
    expected, kept = (load_file(folder / "weights.safetensors") for folder in (first, run))
    assert all(torch.equal(expected[name], kept[name]) for name in expected)


def test_a_stage_without_a_finite_validation_gives_no_weights_even_if_it_is_resumed(place, tmp_path, monkeypatch):
    validations(monkeypatch, float("nan"), float("inf"))
    with pytest.raises(FloatingPointError, match="no validation was finite"):
        fit(place, tmp_path / "run")
    with pytest.raises(FloatingPointError, match="no validation was finite"):
        resume(tmp_path / "run", accelerator="cpu")
    assert not (tmp_path / "run" / "weights.safetensors").exists()
    rows = list(csv.DictReader((tmp_path / "run" / "validation.csv").open()))
    assert [row["value"] for row in rows] == ["nan", "inf"]


@pytest.mark.parametrize(("subject", "said"), [("sub-00", "the training stopped \\("), ("sub-02", "at its validation")])
@pytest.mark.parametrize("clip", ["1.0", "null"])
def test_a_training_that_a_voxel_stops_names_the_image(place, tmp_path, monkeypatch, subject, said, clip):
    shutil.copytree(place / "cohort", tmp_path / "bad")
    path = tmp_path / "bad" / subject / "T1w.nii.gz"
    image = nib.load(path)
    voxels = image.get_fdata(dtype=np.float32)
    voxels[tuple(n // 2 for n in voxels.shape)] = 1000 * voxels.max()  # what is far brighter is refused when it is read
    nib.save(nib.Nifti1Image(voxels, image.affine), path)
    shutil.copy(place / "tiny.yaml", tmp_path / "tiny.yaml")
    monkeypatch.setattr(not_finite, "MOST", 100.0)
    for module in (steps, validation):
        monkeypatch.setattr(module, "MOST", 0.0)  # every loss is looked into
    asked = "stages.0.queries={name: one_to_one, targets: [T1w]}"
    with pytest.raises(FloatingPointError, match=f"{said}.*T1w of {subject} .* after preparation; mend or remove"):
        fit(tmp_path, tmp_path / "run", asked, f"stages.0.clip_gradient={clip}", cohort="bad")


@pytest.mark.parametrize("every", ["null", "1"])
def test_no_weights_are_saved_after_a_step_that_went_wrong(place, tmp_path, every):
    wild = ["stages.0.steps.0.optimizer.lr=1e30", "stages.0.clip_gradient=null", f"stages.0.checkpoint_every={every}"]
    with pytest.raises(
        FloatingPointError, match=r"the loss is not finite \(l1 .*\) on sub-0\d.*lower the learning rate"
    ):
        fit(place, tmp_path / "run", *wild, "stages.0.steps.0.schedule={name: constant}")
    saved = [load_file(path) for path in (tmp_path / "run").rglob("*.safetensors")]
    assert bool(saved) == (every == "1")
    assert all(bool(tensor.isfinite().all()) for tensors in saved for tensor in tensors.values())
    assert not (tmp_path / "run" / "weights.safetensors").exists()


class LooksAtTheDevice(TorchDispatchMode):
    """Note the innermost file of the package for each number that is read of a tensor."""

    def __init__(self):
        super().__init__()
        self.files = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten._local_scalar_dense.default:
            own = [frame.filename for frame in traceback.extract_stack() if "/anysyn/" in frame.filename]
            self.files.append(own[-1].rpartition("/anysyn/")[2])
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("clip", ["1.0", "null"])
def test_a_step_waits_for_the_device_only_once_in_ten(place, tmp_path, monkeypatch, clip):
    looks, own, reads = LooksAtTheDevice(), steps.StepLoop.run, []

    def run(*given):
        with looks:
            own(*given)

    def read(loop):
        reads.append(len(loop.unread))
        return whole(loop)

    whole = steps.StepLoop.read
    monkeypatch.setattr(steps.StepLoop, "run", run)
    monkeypatch.setattr(steps.StepLoop, "read", read)
    fit(place, tmp_path / "run", "stages.0.epochs=1", "stages.0.batches.size=1", f"stages.0.clip_gradient={clip}")
    assert looks.files  # which modalities a batch has is looked at
    assert not {"training/steps.py", "training/stage.py"} & set(looks.files)
    assert reads[:-1] == [10] * (len(reads) - 1)
    assert reads


def test_values_at_points_and_nan_are_damage_too():
    batch = Batch.complete(torch.tensor([[[0.5, float("nan")], [0.5, 1.0]]]))
    assert list(damaged_images(batch)) == ["image 0 of sample 0 holds nan after preparation"]
    assert not list(damaged_images(Batch.complete(torch.full((1, 2, 2), 9.0))))


def test_weights_that_are_not_finite_are_refused_when_they_are_loaded(place, tmp_path):
    run = fit(place, tmp_path / "run", "stages.0.epochs=1").folder
    weights = load_file(run / "weights.safetensors")
    name = next(iter(weights))
    weights[name].view(-1)[0] = float("nan")
    save_file(weights, run / "weights.safetensors")
    with pytest.raises(RunError, match=rf"1 of \d+ tensors are not finite, {name} among them"):
        load_run(run)
