"""A run whose network has batch norms and cross-attention trains, and is loaded folded with the same answers."""

from dataclasses import replace

import torch
import yaml
from toys import TINY, write_cohort

import anysyn
from anysyn.synthesis.loaded_run import load_run, networks


def test_a_loaded_run_has_its_batch_norms_folded(tmp_path):
    write_cohort(tmp_path / "cohort")
    tree = yaml.safe_load(TINY)
    tree["data"]["root"] = str(tmp_path / "cohort")
    model = tree["parts"]["synthesizer"]
    model["encoder"] = {"name": "resnet", "blocks": 2, "width": 8, "out": 8, "norm": "batch"}
    model["conditioners"] = [
        {"name": "cross_attention", "at": "decoder/in", "heads": 2, "chunk": 100, "reads": {"name": "modality"}}
    ]
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    anysyn.train(tmp_path / "recipe.yaml", out=tmp_path / "run", accelerator="cpu")
    run = load_run(tmp_path / "run", accelerator="cpu")
    assert not any("BatchNorm" in type(part).__name__ for part in run.model.modules())
    unfolded = networks(run.folder, run.recipe)["synthesizer"].eval()
    assert any("BatchNorm" in type(part).__name__ for part in unfolded.modules())
    study = run.prepare(run.subjects()[0][0])
    found, expected = (one.predict(study, ["T1w"], ["T2w"])["T2w"] for one in (run, replace(run, model=unfolded)))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
