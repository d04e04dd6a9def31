"""Two optimisers in one stage: who moves when, bit for bit; a small GAN trained from a recipe and resumed."""

import csv
from copy import deepcopy
from functools import partial

import nibabel as nib
import pytest
import torch
from gan import NAMES, recipe_of, write_sites
from lightning_fabric import Fabric
from trained import same, stop, weights

import anysyn
from anysyn import build
from anysyn.errors import UserError
from anysyn.probes.embeddings.slices import embed_study
from anysyn.synthesis.loaded_run import load_run
from anysyn.training.stage import StageLoop
from anysyn.training.steps import learn, steps_of
from anysyn.types import Batch

ABSENT = NAMES.index("T2w")
OPTIMIZERS = {
    "adam": {"name": "adam", "lr": 1e-2, "weight_decay": 0.1},
    "adamw": {"name": "adamw", "lr": 1e-2, "weight_decay": 0.1},
}


def batch_of(absent=(), seed=0):
    generator = torch.Generator().manual_seed(seed)
    available = torch.ones(3, len(NAMES), dtype=torch.bool)
    available[:, list(absent)] = False
    images = torch.rand(3, len(NAMES), 16, 16, generator=generator).masked_fill(~available[:, :, None, None], torch.nan)
    return Batch(images, available, torch.ones(3, 1), torch.ones(3, 2))


def trained(tmp_path, optimizer, batches):
    """Do both steps on batches; return the names of the parameters that the last one moved, and of those it did not."""
    recipe = build.load(recipe_of(tmp_path, None, optimizer=OPTIMIZERS[optimizer]))
    parts = build.parts(recipe)
    fabric = Fabric(accelerator="cpu", devices=1)
    stage = recipe.stages[0]
    steps = steps_of(recipe, stage, parts, fabric)
    queries = build.make(recipe, stage.queries, "queries")
    for number, batch in enumerate(batches):
        before = deepcopy(parts.state_dict())
        query = queries.draw(batch, torch.Generator().manual_seed(number))
        answers = []
        for step in steps:
            answers += learn(fabric, parts, step, batch, query, answers, clip=1.0)[1]
    moved = {name for name, value in parts.state_dict().items() if not torch.equal(value, before[name])}
    return moved, before.keys() - moved


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_what_belongs_to_an_absent_modality_keeps_its_weights_bit_by_bit(tmp_path, optimizer):
    batches = [batch_of(seed=0), batch_of(seed=1), batch_of(absent=[ABSENT], seed=2)]  # moments first
    moved, kept = trained(tmp_path, optimizer, batches)
    own = {name for name in moved | kept if ".T2w." in name or "-T2w-" in name}
    assert {name.split(".")[0] for name in own} == {"synthesizer", "discriminators"}
    assert own <= kept
    assert any(".decoder.decoders.T1w." in name for name in moved)
    assert any(name.startswith("discriminators.") for name in moved)


def test_every_decoder_learns_where_all_is_there(tmp_path):
    moved, _ = trained(tmp_path, "adam", [batch_of(seed=0)])
    for name in NAMES:
        assert any(f".decoder.decoders.{name}." in one for one in moved)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gan")
    write_sites(folder / "cohort")
    anysyn.train(recipe_of(folder, folder / "cohort"), out=folder / "run", accelerator="cpu")
    return folder


def test_both_steps_are_logged_and_the_generator_alone_scores(place):
    found = {row["term"] for row in csv.DictReader((place / "run" / "log.csv").open())}
    assert found == {"synthesis_l1", "reconstruction_l1", "adversarial", "fake", "real"}


def test_a_gan_that_was_stopped_resumes_bit_by_bit(place, monkeypatch):
    train = partial(anysyn.train, place / "recipe.yaml", out=place / "stopped", accelerator="cpu")
    stop(monkeypatch, StageLoop, "save", lambda position: (position.epoch, position.batch) == (1, 2), train)
    anysyn.resume(place / "stopped", accelerator="cpu")
    assert same(weights(place / "run"), weights(place / "stopped"))


def synthesize(place, out, **options):
    source = next((place / "cohort").rglob("T1w.nii.gz"))
    return anysyn.synthesize(place / "run", sources={"T1w": source}, targets=["FLAIR"], out=out, **options)


def test_a_dataset_has_to_be_known_and_can_be_asked_for_by_name_or_as_the_mean(place, tmp_path):
    with pytest.raises(UserError, match=r"this image names none; .*--dataset mean; choices: A, B, mean"):
        synthesize(place, tmp_path / "none.nii.gz")
    with pytest.raises(UserError, match=r"'C' is none of its training"):
        synthesize(place, tmp_path / "none.nii.gz", dataset="C")
    images = {}
    for name in ("A", "B", "mean"):
        (path,) = synthesize(place, tmp_path / f"{name}.nii.gz", dataset=name)
        assert f'"DatasetAskedFor": "{name}"' in path.with_name(f"{name}.json").read_text()
        images[name] = torch.from_numpy(nib.load(path).get_fdata())
        assert torch.isfinite(images[name]).all()
    assert images["B"].max() > 2 * images["A"].max(), "the intensities are those of the dataset"
    run = load_run(place / "run", accelerator="cpu")
    study = run.prepare(run.subjects(split="all")[0][0])
    answers = {one: run.treat_as(one).predict(study, ["T1w"], ["FLAIR"])["FLAIR"] for one in ("A", "B", "mean")}
    assert torch.equal(run.predict(study, ["T1w"], ["FLAIR"])["FLAIR"], answers[study.dataset])
    assert len({float(one.sum()) for one in answers.values()}) == 3


def test_an_evaluation_can_swap_the_dataset(place, tmp_path):
    asked = {"split": "all", "pairs": "T1w:FLAIR", "protocol": "slices"}
    for name in ("A", "B"):
        found = anysyn.evaluate(place / "run", dataset=name, out=tmp_path / name, **asked)
        assert f'"dataset": "{name}"' in (tmp_path / name / "protocol.json").read_text()
        assert not found.failures


def test_embeddings_are_those_of_the_study_s_own_dataset(place):
    run = load_run(place / "run", accelerator="cpu")
    study = next(run.prepare(one) for one in run.subjects(split="all")[0] if one.dataset == "B")
    given = {"view": run.view, "modalities": NAMES, "hardware": run.hardware, "size": 8}
    own = embed_study(run.model, study, dataset=run.dataset_weights(study), **given)
    other = embed_study(run.model, study, dataset=run.treat_as("A").dataset_weights(study), **given)
    assert not torch.equal(own, other)
    assert torch.equal(other, embed_study(run.model, study, **given))  # A is the first


def test_a_network_that_is_not_conditioned_on_datasets_refuses_one(place, tmp_path):
    plain = recipe_of(tmp_path, place / "cohort", conditioners=[], epochs=1)
    anysyn.train(plain, out=tmp_path / "run", accelerator="cpu")
    with pytest.raises(UserError, match=r"--dataset A \(dataset=\) would change nothing"):
        load_run(tmp_path / "run", accelerator="cpu").treat_as("A")
    assert load_run(tmp_path / "run", accelerator="cpu").treat_as(None).dataset is None


def test_one_dataset_can_be_trained_on_alone_with_the_same_subjects_as_together(place, tmp_path):
    def train(*overrides):
        options = {"overrides": ["stages.0.epochs=1", *overrides], "accelerator": "cpu"}
        return anysyn.train(place / "recipe.yaml", out=tmp_path / "run", overwrite=True, **options)

    run = train("data.datasets=[B]")
    alone, both = (load_run(one, accelerator="cpu") for one in (run.folder, place / "run"))
    assert alone.datasets.learned == ["B"]
    for part in ("train", "validation", "test"):
        own = {key for key in both.folder.read("split.json")[part] if key.startswith("B")}
        assert set(alone.folder.read("split.json")[part]) == own
    with pytest.raises(UserError, match="no subject is of dataset 'D'; choices: A, B"):
        train("data.datasets=[D]")
