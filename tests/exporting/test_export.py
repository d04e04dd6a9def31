"""An exported network gives the answer of the run, whatever may vary in its input."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app
from anysyn.errors import UserError
from anysyn.exporting import formats
from anysyn.exporting.fixed_network import fixed_network
from anysyn.exporting.formats import AGREES, FREEDOMS, exported_program
from anysyn.synthesis import load_run

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "export.md"
LACKING = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
needs_onnx = pytest.mark.skipif(bool(LACKING), reason=f"needs anysyn[onnx]: {', '.join(LACKING)}")


@pytest.fixture(scope="module")
def run(tiny):
    return load_run(tiny / "run", accelerator="cpu")


def answer(run, images):
    """The run's own answer, by way of a batch and a query."""
    canvas = torch.zeros(len(images), 3, *images.shape[2:])
    canvas[:, [0, 2]] = images
    batch = anysyn.Batch.complete(canvas)
    query = batch.ask(torch.tensor([[0, 2]] * len(images)), torch.tensor([[1]] * len(images)))
    with torch.inference_mode():
        return run.model(batch, query).images


def test_torch_by_the_command(tiny, run, tmp_path, monkeypatch):
    words = ["export", tiny / "run", "--sources", "T1w,FLAIR", "--target", "T2w", "--out", tmp_path / "out"]
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == 0, result.output
    assert "batch any, source 2, x any from 3, y any from 3;" in result.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("network.pt2", "network.json", "README.md", "manifest.json")
    }
    network = torch.export.load(tmp_path / "out" / "network.pt2").module()
    for shape in ((1, 2, 24, 32), (5, 2, 40, 18), (2, 2, 31, 3)):
        images = torch.rand(shape)
        torch.testing.assert_close(network(images), answer(run, images), atol=AGREES, rtol=0)
    facts = json.loads((tmp_path / "out" / "network.json").read_text())
    assert facts["Sources"] == ["T1w", "FLAIR"]
    assert facts["InputAxes"] == ["batch", "source", "x", "y"]
    assert facts["InputLengths"] == ["any", 2, "any from 3", "any from 3"]
    assert [step["name"] for step in facts["Prepare"]] == ["canonical", "nonnegative", "crop", "rescale"]
    page = (tmp_path / "out" / "README.md").read_text()
    assert all(word in page for word in ("not for clinical use", "`rescale`", "| x | any from 3 |", "T1w, FLAIR"))
    assert str(tiny) not in page + json.dumps(facts)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").rename("exported")
    block = re.search(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    exec(block[1], names := {})
    assert names["flair"].shape == (1, 1, 64, 64)
    words[-1] = tmp_path / "exported"
    again = CliRunner().invoke(app, [*map(str, words)])
    assert again.exit_code == 1
    assert "--overwrite" in again.output


@needs_onnx
def test_onnx(tiny, run, tmp_path):
    import onnx
    import onnxruntime

    made = anysyn.export(tiny / "run", sources=["T1w", "FLAIR"], target="T2w", out=tmp_path / "out", form="onnx")
    assert made.axes == {"batch": "any", "source": 2, "x": "any from 3", "y": "any from 3"}
    assert made.difference <= AGREES
    session = onnxruntime.InferenceSession(made.path)
    assert session.get_inputs()[0].shape == ["batch", 2, "x", "y"]
    assert session.get_outputs()[0].shape == ["batch", 1, "x", "y"]
    known = [
        dim.dim_param for value in onnx.load(made.path).graph.value_info for dim in value.type.tensor_type.shape.dim
    ]
    assert "None" not in known  # lengths nobody knows are not one and the same
    for shape in ((4, 2, 28, 36), (2, 2, 27, 35)):
        images = torch.rand(shape)
        (found,) = session.run(None, {"images": images.numpy()})
        np.testing.assert_allclose(found, answer(run, images).numpy(), atol=AGREES)


def test_without_the_extra_it_is_one_line(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'anysyn\[onnx\]'"):
        anysyn.export(tiny / "run", sources=["T1w"], target="T2w", out=tmp_path / "out", form="onnx")
    assert not (tmp_path / "out").exists()


def test_a_file_that_differs_is_not_kept(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "_reopened", lambda path, form: lambda images: images[:, :1] + 1)
    with pytest.raises(UserError, match="differs from the run"):
        anysyn.export(tiny / "run", sources=["T1w"], target="T2w", out=tmp_path / "out")
    assert not (tmp_path / "out" / "network.pt2").exists()


def test_a_network_that_allows_less_is_exported_with_less(run, monkeypatch):
    export = torch.export.export

    def only_fixed(network, example, dynamic_shapes):
        if dynamic_shapes[0]:
            raise RuntimeError("data-dependent")
        return export(network, example, dynamic_shapes=dynamic_shapes)

    monkeypatch.setattr(torch.export, "export", only_fixed)
    network, images = fixed_network(run, ["T1w"], "T2w", 16)
    assert exported_program(network, images)[1] == FREEDOMS[-1]
    monkeypatch.setattr(torch.export, "export", lambda *_, **__: 1 / 0)
    with pytest.raises(UserError, match="cannot be exported: division by zero"):
        exported_program(network, images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sources": ["CT"]}, "this run knows no 'CT'"),
        ({"target": "T3w"}, "no modality named 'T3w'"),
        ({"sources": ["T1w", "t1"]}, "each once"),
        ({"form": "onx"}, "did you mean 'onnx'"),
        ({"size": 0}, "size: 0"),
        ({"dataset": "A"}, "dataset"),
    ],
)
def test_mistakes_are_one_line(tiny, tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        anysyn.export(tiny / "run", **{"sources": ["T1w"], "target": "T2w", "out": tmp_path / "out", **options})
    assert not (tmp_path / "out").exists()
