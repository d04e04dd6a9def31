import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
import yaml
from toys import TINY, write_cohort
from trained import same, stop, weights, write_tiny

from anysyn.errors import RecipeError, UserError
from anysyn.files import contents_of
from anysyn.optimizers import Cosine
from anysyn.training.fit import resume, train
from anysyn.training.run_folder.folder import RunError
from anysyn.training.stage import StageLoop


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    write_cohort(folder / "cohort")
    (folder / "tiny.yaml").write_text(TINY)
    return folder


def fit(place, name, *overrides, recipe="tiny", **options):
    overrides = [f"data.root={place / 'cohort'}", *overrides]
    return train(place / f"{recipe}.yaml", out=place / name, overrides=overrides, accelerator="cpu", **options)


@pytest.fixture(scope="module")
def whole(place):
    return fit(place, "whole").folder


def test_a_run_folder_holds_all_that_is_needed(whole):
    recipe = yaml.safe_load((whole / "recipe.yaml").read_text())
    assert recipe["stages"][0]["steps"][0]["optimizer"]["lr"] == 5e-3
    for name in ("weights.safetensors", "split.json", "windows.json", "versions.json", "validation.csv"):
        assert (whole / name).is_file()
    assert list((whole / "samples").glob("*.png"))
    assert list((whole / "tensorboard").iterdir())


def test_the_manifest_lists_all_that_a_training_writes(whole, pretrained):
    for run in (whole, pretrained):
        contents = contents_of(run)
        assert not contents.foreign
        assert len(contents.own) > 20


def test_the_loss_falls(place):
    run = fit(place, "longer", "stages.0.epochs=12").folder
    rows = list(csv.DictReader((run / "validation.csv").open()))
    assert float(rows[-1]["value"]) < 0.6 * float(rows[0]["value"])


def test_the_same_seed_gives_the_same_weights_and_another_others(place, whole):
    assert same(weights(fit(place, "again").folder), weights(whole))
    assert not same(weights(fit(place, "other", "seed=1").folder), weights(whole))


@pytest.mark.parametrize("devices", [1, "1", 3])
def test_another_number_of_devices_than_processes_of_torchrun_is_refused(place, monkeypatch, devices):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "here")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RunError, match="torchrun started 2 processes, but --devices is"):
        fit(place, "refused", devices=devices)
    assert not (place / "refused").exists()


@pytest.mark.parametrize(
    "option",
    [
        "stages.0.accumulate=2",
        "precision=bf16-mixed",
        "stages.0.queries.name=many_to_all",
        "data.view={name: slabs, thickness: 3}",
        "data.view={name: patches, size: [8, 8, 8], per_volume: 3}",
        "data.view={name: slices, axis: coronal}",
    ],
)
def test_options_train(place, option):
    run = fit(place, option.replace(".", "-"), option, "stages.0.epochs=1").folder
    assert all(torch.isfinite(value).all() for value in weights(run).values())


def test_accumulating_halves_equals_one_whole_batch(place):
    plain = (
        "stages.0.epochs=1",
        "stages.0.ema=null",
        "stages.0.queries={name: one_to_one, sources: [T1w], targets: [T2w]}",
        "stages.0.steps.0.schedule.name=constant",
    )
    one = fit(place, "one", *plain, "stages.0.batches.size=64").folder
    many = fit(place, "many", *plain, "stages.0.batches.size=4", "stages.0.accumulate=64").folder
    for name, value in weights(one).items():
        torch.testing.assert_close(weights(many)[name], value, atol=1e-4, rtol=0)


RUN = """
import sys
import torch
from anysyn.training.fit import resume, train
torch.set_num_threads(1)  # as in conftest.py: another number of threads sums in another order
if sys.argv[1] == "resume":
    resume(sys.argv[2], accelerator="cpu")
else:
    train(sys.argv[1], out=sys.argv[2], overrides=sys.argv[3:], accelerator="cpu")
"""


@pytest.fixture(scope="module")
def straight(place):
    """Return a run of six epochs that nothing stopped, and whose batches were made in its own process."""
    return fit(place, "straight", "stages.0.epochs=6", "stages.0.checkpoint_every=1").folder


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_killed_in_the_middle_and_resumed_ends_bit_equal(place, straight, workers):
    options = [f"data.root={place / 'cohort'}", "stages.0.epochs=6", "stages.0.checkpoint_every=1"]
    options.append(f"data.workers={workers}")
    killed = place / f"killed-{workers}"
    process = subprocess.Popen([sys.executable, "-c", RUN, str(place / "tiny.yaml"), str(killed), *options])
    pointer = killed / "checkpoints" / "last"
    while process.poll() is None and not (pointer.is_file() and pointer.read_text()[7:] >= "epoch00001-batch000001"):
        time.sleep(0.001)
    assert process.poll() is None, "it ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    stopped = pointer.read_text()
    assert "epoch00006" not in stopped
    assert not (killed / "weights.safetensors").exists()
    resume(killed, accelerator="cpu")
    assert same(weights(killed), weights(straight))
    for log in ("log.csv", "validation.csv"):
        ours, theirs = (list(csv.DictReader((run / log).open())) for run in (killed, straight))
        kept = ("epoch", "term", "value")  # speed and waiting differ
        assert [[row[key] for key in kept] for row in ours] == [[row[key] for key in kept] for row in theirs]


def test_the_log_says_which_share_of_the_time_a_batch_was_waited_for(whole):
    shares = [float(row["waited"]) for row in csv.DictReader((whole / "log.csv").open())]
    assert shares
    assert all(0 < share < 1 for share in shares)


def test_a_run_is_trained_by_one_process_at_a_time(place, whole):
    holds = "import sys, time; from pathlib import Path; from anysyn.files import locked\n"
    holds += "with locked(Path(sys.argv[1]), 'anysyn train'): print('held', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", holds, str(whole)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        before = weights(whole)
        for second in (partial(resume, whole, accelerator="cpu"), partial(fit, place, "whole", overwrite=True)):
            with pytest.raises(UserError, match=f"locked by process {process.pid}"):
                second()
        assert same(weights(whole), before)
    finally:
        process.kill()
        process.wait()
    resume(whole, accelerator="cpu")  # the lock of a killed process is no obstacle


def test_a_stage_that_leads_elsewhere_is_refused_before_anything_is_written(place, tmp_path):
    write_tiny(place, lambda tree: tree["stages"][0].update(name="../../victim/weights"), "hostile")
    (tmp_path / "victim").mkdir()
    with pytest.raises(RecipeError, match=r"stages\.0\.name: .*'/' in it"):
        fit(place, tmp_path / "run", recipe="hostile")
    assert not (tmp_path / "run").exists()


def test_resuming_a_finished_run_changes_nothing(place, whole):
    before = weights(whole)
    resume(whole, accelerator="cpu")
    assert same(weights(whole), before)


def test_a_second_stage_starts_from_the_first(place):
    def append(tree):
        second = {**tree["stages"][0], "name": "second", "epochs": 1}
        second["steps"] = [{**second["steps"][0], "train": ["synthesizer.decoder"]}]
        tree["stages"].append(second)

    write_tiny(place, append, "two")
    first, both = fit(place, "first").folder, fit(place, "both", recipe="two").folder
    one, two = weights(first), weights(both)
    frozen = [name for name in one if ".encoder." in name]
    assert frozen
    assert all(torch.equal(one[name], two[name]) for name in frozen)
    assert not all(torch.equal(one[name], two[name]) for name in one)


def test_a_run_is_not_overwritten_unless_asked(place, whole):
    with pytest.raises(RunError, match="--resume"):
        fit(place, "whole")
    copy = place / "copy"
    shutil.copytree(whole, copy)
    fit(place, "copy", "stages.0.epochs=1", overwrite=True)
    assert not same(weights(copy), weights(whole))


def test_a_folder_that_is_no_run_is_never_deleted(place):
    (place / "precious").mkdir()
    (place / "precious" / "thesis.tex").write_text("x")
    with pytest.raises(RunError, match="leaves it alone"):
        fit(place, "precious", overwrite=True)
    assert (place / "precious" / "thesis.tex").read_text() == "x"


def test_a_broken_subject_costs_only_itself(place, tmp_path):
    cohort = tmp_path / "cohort"
    shutil.copytree(place / "cohort", cohort)
    (cohort / "sub-00" / "T2w.nii.gz").write_bytes(b"not a NIfTI")
    every = "data.split={train: [sub-00, sub-01], validation: [], test: [sub-02]}"
    result = fit(place, tmp_path / "run", f"data.root={cohort}", every)
    assert [failure.key for failure in result.failures] == ["sub-00"]
    assert "T2w.nii.gz" in str(result.failures[0])
    kept = json.loads((result.folder / "failures.json").read_text())
    assert [failure["subject"] for failure in kept] == ["sub-00"]
    assert kept[0]["reason"] == result.failures[0].reason
    assert (result.folder / "weights.safetensors").is_file()


def test_mistakes_are_found_before_any_data_is_touched(place):
    with pytest.raises(RecipeError):
        fit(place, "never", "stages.0.steps.0.optimizer.lr=fast")
    assert not (place / "never").exists()


def test_a_recipe_without_data_says_what_to_add(place):
    with pytest.raises(UserError, match=r"data\.root=FOLDER"):
        train(place / "tiny.yaml", out=place / "never", accelerator="cpu")


def windows(place, name, *steps):
    def change(tree):
        step = tree["stages"][0]["steps"][0]
        tree["stages"][0] |= {"ema": None, "steps": [{**step, **changes} for changes in steps]}

    write_tiny(place, change, name)
    return fit(place, name, "stages.0.validate_every=9", recipe=name).folder


def test_a_step_learns_in_its_own_epochs_alone(place):
    decoder, encoder = {"train": ["synthesizer.decoder"], "end": 1}, {"train": ["synthesizer.encoder"], "begin": 1}
    run = windows(place, "windows", decoder, encoder)
    only = windows(place, "only", decoder, {"train": ["synthesizer.conditioners"], "begin": 1})
    one, two = weights(run), weights(only)
    same_decoder = [torch.equal(one[name], two[name]) for name in one if ".decoder." in name]
    changed = [not torch.equal(one[name], two[name]) for name in one if ".encoder." in name]
    assert same_decoder
    assert all(same_decoder)
    assert any(changed)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([{"end": 1}], "no step is active in epoch 1 of 2"),
        ([{}, {"begin": 2}], r"active in no epoch of 2 \(begin 2, end None\)"),
    ],
)
def test_an_epoch_or_a_step_in_which_nothing_learns_is_a_mistake(place, steps, message):
    with pytest.raises(RecipeError, match=message):
        windows(place, "idle", *steps)


def test_a_stage_of_no_epochs_is_left_out_and_each_other_keeps_its_weights(place):
    write_tiny(
        place, lambda tree: tree["stages"].insert(0, {**tree["stages"][0], "name": "skipped", "epochs": 0}), "skip"
    )
    run = fit(place, "skip", recipe="skip").folder
    assert not (run / "stage-skipped.safetensors").exists()
    assert same(weights(run, "stage-synthesis"), weights(run))


def test_a_run_stopped_in_the_window_of_its_second_step_resumes_exactly(place, monkeypatch):
    steps = {"train": ["synthesizer.decoder"], "end": 1}, {"train": ["synthesizer.encoder"], "begin": 1}
    straight = windows(place, "window-straight", *steps)
    interrupted = partial(windows, place, "window-stopped", *steps)
    stop(monkeypatch, StageLoop, "epoch", lambda position: position.epoch == 1, interrupted)
    resume(place / "window-stopped", accelerator="cpu")
    assert same(weights(place / "window-stopped"), weights(straight))


def test_the_schedule_of_a_step_runs_over_its_own_epochs(place, monkeypatch):
    asked = []
    own = Cosine.factor

    def factor(schedule, done, total):
        asked.append((done, total))
        return own(schedule, done, total)

    monkeypatch.setattr(Cosine, "factor", factor)
    constant, cosine = {"schedule": {"name": "constant"}, "end": 1}, {"begin": 1}
    windows(place, "schedule", constant, cosine)
    assert asked[0] == (0, 1)
    assert all(0 <= done < 1 and total == 1 for done, total in asked)


CONTRASTIVE = {
    "objective": {"name": "contrastive", "model": "@synthesizer", "chunk": 2},
    "train": ["synthesizer.encoder"],
}
CLASSIFICATION = {
    "objective": {"name": "classification", "model": "@synthesizer", "head": "@head"},
    "train": ["head"],
}


@pytest.fixture(scope="module")
def pretraining(place):
    """Say to train the head for two epochs and the encoder from the second to the third."""

    def change(tree):
        tree["parts"]["head"] = {"name": "modality_head", "model": "@synthesizer"}
        step = tree["stages"][0]["steps"][0]
        steps = [{**step, **CLASSIFICATION, "end": 2}, {**step, **CONTRASTIVE, "begin": 1}]
        tree["stages"][0] |= {"name": "pretraining", "epochs": 3, "ema": None, "steps": steps}

    return write_tiny(place, change, "pretraining").stem


@pytest.fixture(scope="module")
def pretrained(place, pretraining):
    return fit(place, "pretrained", recipe=pretraining).folder


def test_every_active_step_is_validated(pretrained):
    found = {}
    for row in csv.DictReader((pretrained / "validation.csv").open()):
        assert float(row["value"]) == float(row["value"])
        found.setdefault(int(row["epoch"]), set()).add(row["term"])
    pair = {"infonce", "vector", "feature_map"}
    assert found == {0: {"classification"}, 1: {"classification"} | pair, 2: pair}


def test_the_step_of_the_last_epoch_alone_scores_the_weights(place, pretraining, monkeypatch):
    scores = {}
    own = StageLoop._rank
    monkeypatch.setattr(
        StageLoop, "_rank", lambda loop, score: (scores.update({loop.position.epoch: score}), own(loop, score))
    )
    run = fit(place, "scored", recipe=pretraining).folder
    expected = {1: 0.0, 2: 0.0}
    for row in csv.DictReader((run / "validation.csv").open()):
        if row["term"] != "classification":
            expected[int(row["epoch"])] += float(row["value"])
    assert scores == pytest.approx(expected)
    assert same(weights(run), weights(run, "best-pretraining"))


def test_pretraining_draws_no_pictures_of_a_decoder_that_has_not_learnt(pretrained):
    assert not list(pretrained.glob("samples/*"))


def test_a_finished_run_without_checkpoints_is_not_trained_anew(place, whole, tmp_path):
    shutil.copytree(whole, tmp_path / "run", ignore=shutil.ignore_patterns("checkpoints"))
    weights = (tmp_path / "run" / "weights.safetensors").read_bytes()
    for name in ("weights.safetensors", "nothing"):
        with pytest.raises(RunError, match="no checkpoint"):
            resume(tmp_path / "run", accelerator="cpu")
        assert (tmp_path / "run" / "stage-synthesis.safetensors").is_file()
        if name != "nothing":
            assert (tmp_path / "run" / name).read_bytes() == weights
            (tmp_path / "run" / name).unlink()
