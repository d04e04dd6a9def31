"""Small baselines, trained from recipes on two sites with other contrasts, and asked."""

import csv

import pytest
import torch
import yaml
from gan import NAMES, write_sites

import anysyn
from anysyn.synthesis.loaded_run import load_run

ADAM = {"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]}
NORM = {"norm": "instance", "affine": False}


def steps(losses, trained=None, discrimination=None, objective="synthesis"):
    made = [
        {
            "objective": {"name": objective, "model": "@synthesizer", **({"losses": losses} if losses else {})},
            "train": ["synthesizer"],
            "optimizer": ADAM,
        }
    ]
    if trained:
        made.append({"objective": {**discrimination, "model": "@synthesizer"}, "train": [trained], "optimizer": ADAM})
    return made


def pix2pix():
    unet, judge = {"name": "strided_unet", **NORM}, {"name": "patchgan", "width": 4, "layers": 1, "beside": "stack"}
    adversarial = {"discriminator": "@discriminators", "form": "cross_entropy"}
    parts = {
        "synthesizer": {
            "name": "synthesizer",
            "encoder": {"name": "per_modality", "of": {**unet, "levels": 3, "width": 4, "inputs": "stack"}},
            "decoder": {"name": "per_modality", "of": {**unet, "activation": "sigmoid"}},
        },
        "discriminators": {"name": "discriminator", "of": {"name": "per_modality", "of": judge}},
    }
    losses = [{"name": "l1", "weight": 100}, {"name": "adversarial", **adversarial}]
    queries = {"name": "one_to_one"}
    return parts, queries, steps(losses, "discriminators", {"name": "discrimination", **adversarial})


def mm_gan():
    judge = {"discriminator": "@discriminator"}
    decoder = {"name": "strided_unet", **NORM, "rectify": "answers", "head": "repeated", "outputs": "canvas"}
    parts = {
        "synthesizer": {
            "name": "synthesizer",
            "encoder": {"name": "strided_unet", "levels": 3, "width": 4, **NORM},
            "decoder": decoder,
        },
        "discriminator": {"name": "canvas_patchgan", "width": 4, "layers": 2},
    }
    losses = [{"name": "l1", "weight": 0.9}, {"name": "canvas_adversarial", **judge, "weight": 0.1}]
    queries = {"name": "synthesis_condition", "reconstruct": False}
    return parts, queries, steps(losses, "discriminator", {"name": "canvas_discrimination", **judge})


def mm_synth():
    latent = {"name": "latent_unet", "widths": [4, 8], "out": 6, "inputs": "stack"}
    parts = {
        "synthesizer": {
            "name": "synthesizer",
            "encoder": {"name": "fused", "of": latent},
            "decoder": {"name": "per_modality", "of": {"name": "dense", "width": 4}},
        }
    }
    return parts, {"name": "many_to_all"}, steps([{"name": "l1"}], objective="alone_and_together")


def ddpm():
    told = [{"name": "add", "at": "*/embedding", "reads": {"name": name}} for name in ("time", "modality")]
    net = {"name": "diffusion_unet", "attention": 1, "head_width": 4, "groups": 4}
    model = {"encoder": {**net, "channels": [4, 8]}, "decoder": net, "conditioners": told, "steps": 2}
    return {"synthesizer": {"name": "diffusion", **model}}, {"name": "one_to_one"}, steps(None, objective="denoising")


def cycle_gan():
    judges = {"discriminator": "@discriminators"}
    resnet = {"name": "downsampled_resnet", "width": 4, "blocks": 1, "norm": "instance", "inputs": "stack"}
    parts = {
        "synthesizer": {
            "name": "synthesizer",
            "encoder": {"name": "per_modality", "of": resnet},
            "decoder": {"name": "per_modality", "of": {"name": "transposed", "norm": "instance"}},
        },
        "discriminators": {
            "name": "discriminator",
            "of": {"name": "per_modality", "of": {"name": "patchgan", "width": 4, "layers": 1}},
        },
    }
    made = steps(None, "discriminators", {"name": "unpaired_discrimination", **judges}, objective="cycle")
    made[0]["objective"] |= judges
    return parts, {"name": "unpaired"}, made


def pfl_synth():
    resnet = {"name": "downsampled_resnet", "width": 4, "blocks": 1, "norm": "instance", "inputs": "stack"}
    reads = {"name": "task", "datasets": 2, "width": 8}
    parts = {
        "synthesizer": {
            "name": "synthesizer",
            "encoder": resnet,
            "decoder": {"name": "transposed", "norm": "instance"},
            "conditioners": [{"name": "adain", "at": ["encoder/block*", "decoder/block1"], "reads": reads}],
        }
    }
    return parts, {"name": "one_to_one"}, steps([{"name": "l1"}])


METHODS = {
    "pix2pix": (pix2pix, {"l1", "adversarial", "fake", "real"}),
    "mm_gan": (mm_gan, {"l1", "canvas_adversarial", "fake", "real"}),
    "mm_synth": (mm_synth, {"l1", "agreement"}),
    "ddpm": (ddpm, {"denoising"}),
    "cycle_gan": (cycle_gan, {"adversarial", "cycle", "identity", "fake", "real"}),
    "pfl_synth": (pfl_synth, {"l1"}),
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_sites(tmp_path_factory.mktemp("sites") / "cohort")


@pytest.mark.parametrize("name", METHODS)
def test_it_trains_and_answers(name, cohort, tmp_path):
    method, expected = METHODS[name]
    parts, queries, made = method()
    batches = {"name": "modality_consistent", "size": 3}
    tree = {
        "name": name,
        "modalities": list(NAMES),
        "data": {
            "root": str(cohort),
            "prepare": [{"name": "canonical"}, {"name": "nonnegative"}, {"name": "rescale"}],
            "view": {"name": "slices"},
            "split": {"train": 0.5, "validation": 0.25, "test": 0.25},
        },
        "parts": parts,
        "stages": [{"name": "synthesis", "epochs": 1, "batches": batches, "queries": queries, "steps": made}],
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    anysyn.train(tmp_path / "recipe.yaml", out=tmp_path / "run", accelerator="cpu")
    assert {row["term"] for row in csv.DictReader((tmp_path / "run" / "log.csv").open())} == expected
    run = load_run(tmp_path / "run", accelerator="cpu")
    study = run.prepare(run.subjects(split="all")[0][0])
    answers = run.predict(study, ["T1w"], ["FLAIR", "T2w"])
    assert list(answers) == ["FLAIR", "T2w"]
    assert all(torch.isfinite(image).all() for image in answers.values())
    assert not torch.equal(answers["FLAIR"], answers["T2w"])
