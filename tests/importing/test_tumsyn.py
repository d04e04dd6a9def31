"""TUMSyn's published checkpoints as a run: its images are those of the published layers; no code is run."""

import nibabel as nib
import numpy as np
import published_tumsyn as published
import pytest
import torch
from typer.testing import CliRunner

from anysyn.acquisition import Acquisition
from anysyn.cli import app
from anysyn.clip.byte_pairs import BytePairs
from anysyn.errors import UserError
from anysyn.importing import import_tumsyn
from anysyn.synthesis.loaded_run import load_run, networks

WANTED = Acquisition(modality="T2w", repetition_time_ms=3200.0, echo_time_ms=563.0, age_years=12.0, sex="M")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zenodo")
    return (
        folder,
        published.write_network(folder / "checkpoint.pt"),
        published.write_clip(folder / "checkpoint_CLIP.pt"),
    )


@pytest.fixture(scope="module")
def run(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "published"
    found = import_tumsyn(files[0], out=out)
    assert found.left == 3
    return out


def tokens_of(prompt):
    pairs = BytePairs()
    row = [pairs.begin, *pairs.encode(prompt), pairs.end]
    return torch.tensor([row + [0] * (published.CONTEXT - len(row))])  # to the whole context, as published


def write_scan(path, shape=(60, 60, 60), codes="LAS", voxel=1.5):
    generator = np.random.default_rng(0)
    image = generator.random(shape, dtype=np.float32) * 900 + 100
    image[:3] = 0
    affine = np.diag([voxel if code in "RAS" else -voxel for code in codes] + [1.0])
    nib.save(nib.Nifti1Image(image, affine), path)
    return image


def prepared(image):
    """Cut an image to the published percentiles and read it slice by slice."""
    low, high = np.percentile(image, [0.01, 99.9])
    scaled = (np.clip(image, max(low, 0), high) - max(low, 0)) / (high - max(low, 0))
    return torch.tensor(scaled.transpose(2, 1, 0).copy()).float()


@pytest.mark.parametrize("wanted", [Acquisition(modality="T1w"), WANTED])
def test_the_text_tower_embeds_as_the_published_one(files, run, wanted):
    clip = networks(load_run(run).folder, load_run(run).recipe, only=["clip"])["clip"]
    expected = published.embedded(files[2], tokens_of(wanted.to_prompt()))
    with torch.no_grad():
        torch.testing.assert_close(clip.encode_text([wanted.to_prompt()]), expected, atol=2e-5, rtol=1e-4)
    with pytest.raises(UserError, match="a text tower alone"):
        clip.encode_image(torch.zeros(1, 1, 8, 8))


def test_a_folder_without_the_clip_says_so(files, tmp_path):
    with pytest.raises(UserError, match=r"comes with 0 CLIPs, not 1; name the file .* with --text"):
        import_tumsyn(files[0] / "checkpoint.pt", out=tmp_path / "run")
    found = import_tumsyn(files[0] / "checkpoint.pt", text=files[0] / "checkpoint_CLIP.pt", out=tmp_path / "run")
    assert found.text == sum(n.numel() for name, n in files[2].items() if not name.startswith("visual."))
    with pytest.raises(UserError, match=r"is not empty; .* --overwrite"):
        import_tumsyn(files[0], out=tmp_path / "run")


class Harm:
    def __reduce__(self):
        return print, ("code of the file ran",)


def test_a_pickle_that_runs_code_is_not_opened(files, tmp_path, capsys):
    torch.save({"model_G": {"sd_G": Harm()}}, tmp_path / "checkpoint.pt")
    answer = CliRunner().invoke(app, ["import", "tumsyn", str(tmp_path), "--out", str(tmp_path / "run")])
    assert answer.exit_code == 1
    assert len(answer.output.splitlines()) == 1
    assert "print" in answer.output
    assert "could run any code" in answer.output
    assert "code of the file ran" not in answer.output + capsys.readouterr().out
    assert not (tmp_path / "run").exists()


def without(weights, name):
    return {key: value for key, value in weights.items() if key != name}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: without(w, "encoder.body.1.body.3.weight"), "it has no synthesizer.encoder.blocks.1.body.3.weight"),
        (lambda w: without(w, "encoder.head.0.weight"), "is no network of TUMSyn: it has no encoder.head.0.weight"),
        (
            lambda w: {**w, "fusion.block.1.norm2.body.weight": torch.ones(16)},
            "fusion.block.1.norm2.body.weight is unk",
        ),
        (lambda w: {**w, "encoder.head.0.bias": torch.ones(7)}, "encoder.head.bias is 7, and the recipe makes it 4"),
        (lambda w: {**w, "encoder.tail.0.bias": torch.full((16,), torch.nan)}, "encoder.tail.bias is not finite"),
    ],
)
def test_weights_that_do_not_fit_are_listed_in_one_line(files, tmp_path, change, said):
    published.write_network(tmp_path / "checkpoint.pt", change(files[1]))
    with pytest.raises(UserError) as refused:
        import_tumsyn(tmp_path / "checkpoint.pt", text=files[0] / "checkpoint_CLIP.pt", out=tmp_path / "run")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path / "checkpoint.pt"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("content", [b"", b"weights", b"PK\x03\x04broken"])
def test_a_file_that_is_no_checkpoint_is_one_line(files, tmp_path, content):
    (tmp_path / "checkpoint.pt").write_bytes(content)
    answer = CliRunner().invoke(app, ["import", "tumsyn", str(tmp_path), "--out", str(tmp_path / "run")])
    assert answer.exit_code == 1
    assert len(answer.output.splitlines()) == 1
    assert "check the path" in answer.output


@pytest.mark.parametrize(("spacing", "size"), [("1.5,1.5,1.5", (60, 60, 60)), ("0.75,1.2,1.5", (120, 75, 60))])
def test_a_scan_is_answered_as_by_the_published_code(files, run, tmp_path, spacing, size):
    """Through the command line: percentiles, order of the axes, prompt, network, also between the voxels."""
    image = write_scan(tmp_path / "t1.nii.gz")
    asked = ["synthesize", str(run), "--source", f"T1w={tmp_path / 't1.nii.gz'}", "--target", "T2w"]
    asked += ["--tr", "3200", "--te", "563", "--age", "12", "--sex", "M", "--target-spacing", spacing]
    answer = CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "t2.nii.gz"), "--accelerator", "cpu"])
    assert answer.exit_code == 0, answer.output
    made = nib.load(tmp_path / "t2.nii.gz")
    voxel = tuple(float(n) for n in spacing.split(","))
    prompt = Acquisition(**{**WANTED.known(), "voxel_size_mm": voxel}).to_prompt()
    embedding = published.embedded(files[2], tokens_of(prompt))
    expected = published.answered(files[1], prepared(image)[None, None], embedding, size[::-1])
    expected = expected.numpy().transpose(2, 1, 0)
    inside = np.asarray(made.dataobj) != 0  # outside the head lies air
    assert made.shape == size
    assert inside.mean() > 0.3
    np.testing.assert_allclose(made.get_fdata()[inside], expected[inside], atol=1e-4)
    assert expected[inside].std() > 0.01
