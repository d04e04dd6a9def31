"""The small baselines, trained from their recipes on two sites with other contrasts, and asked."""

import csv

import pytest
import torch
from gan import NAMES, write_sites

import anysyn
from anysyn.synthesis.loaded_run import load_run

METHODS = {  # the terms of each, and what makes it smaller still
    "pix2pix": ({"l1", "adversarial", "fake", "real"}, "encoder.of.levels=3", "encoder.of.width=4"),
    "mm_gan": ({"l1", "canvas_adversarial", "fake", "real"}, "encoder.levels=3", "encoder.width=4"),
    "mm_synth": ({"l1", "agreement"}, "encoder.of.widths=[4, 8]", "decoder.of.width=4"),
    "ddpm": ({"denoising"}, "encoder.channels=[16, 32]", "steps=2"),
    "cycle_gan": ({"adversarial", "cycle", "identity", "fake", "real"}, "encoder.of.width=4", "encoder.of.blocks=1"),
    "pfl_synth": ({"l1", "adversarial", "fake", "real"}, "encoder.width=4", "encoder.blocks=2"),
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_sites(tmp_path_factory.mktemp("sites") / "cohort")


@pytest.mark.parametrize("name", METHODS)
def test_it_trains_and_answers(name, cohort, tmp_path):
    expected, *smaller = METHODS[name]
    overrides = [f"data.root={cohort}", f"modalities=[{', '.join(NAMES)}]", "stages.0.epochs=1"]
    overrides += [f"parts.synthesizer.{change}" for change in smaller]
    overrides += ["stages.1.epochs=0", "stages.2.epochs=0"] if name == "mm_gan" else []
    overrides += ["data.split={train: 0.5, validation: 0.25, test: 0.25}"]
    anysyn.train(f"small/baselines/{name}", out=tmp_path / "run", overrides=overrides, accelerator="cpu")
    assert {row["term"] for row in csv.DictReader((tmp_path / "run" / "log.csv").open())} == expected
    run = load_run(tmp_path / "run", accelerator="cpu")
    study = run.prepare(run.subjects(split="all")[0][0])
    answers = run.predict(study, ["T1w"], ["FLAIR", "T2w"])
    assert list(answers) == ["FLAIR", "T2w"]
    assert all(torch.isfinite(image).all() for image in answers.values())
    assert not torch.equal(answers["FLAIR"], answers["T2w"])
