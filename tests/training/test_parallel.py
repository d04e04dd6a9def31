"""Two processes on the CPU (gloo): the GAN gets the weights of one process, and resumes after one is killed."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import torch
from gan import recipe_of, write_sites
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from trained import same, weights

import anysyn
from anysyn.training.run_folder.folder import RunFolder

pytestmark = pytest.mark.slow

RUN = """
import os, sys
from pathlib import Path
import torch
from anysyn.training.fit import resume, train
torch.set_num_threads(1)
how, recipe, out, *overrides = sys.argv[1:]
rank = os.environ.get("RANK") or os.environ["SLURM_PROCID"]
Path(f"{out}-{how}-pid-{rank}").write_text(str(os.getpid()))
if how == "resume":
    resume(out, accelerator="cpu")
else:
    train(recipe, out=out, overrides=overrides, accelerator="cpu")
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parallel")
    write_sites(folder / "cohort")
    recipe_of(folder, folder / "cohort", optimizer={"name": "adam", "lr": 1e-3, "betas": [0.5, 0.999]})
    (folder / "run.py").write_text(RUN)
    return folder


def start(place, how, out, *overrides):
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    asked = [place / "run.py", how, place / "recipe.yaml", out, *overrides]
    return subprocess.Popen([*words, *map(str, asked)], cwd=place)


def samples_shown(run):
    (stage,) = (run / "tensorboard").iterdir()
    curves = EventAccumulator(str(stage)).Reload()
    return [point.step for point in curves.Scalars(curves.Tags()["scalars"][0])]


def test_two_processes_train_as_one_does_on_the_same_batches(place):
    same = "stages.0.queries={name: many_to_all, sources: [T1w]}"  # drawn for each process by itself, it would differ
    assert start(place, "train", place / "two", same).wait(timeout=600) == 0
    options = [same, "stages.0.batches.size=6"]  # what the two see at a step, of 3 each
    anysyn.train(place / "recipe.yaml", out=place / "one", overrides=options, accelerator="cpu")
    one, two = weights(place / "one"), weights(place / "two")
    assert one.keys() == two.keys()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, atol=2e-5, rtol=1e-3, msg=lambda text, n=name: f"{n}: {text}")
    assert samples_shown(place / "two") == samples_shown(place / "one")


def start_as_srun(place, out, rank):
    """Start one of two tasks with the variables that srun gives them."""
    tasks = {"SLURM_NTASKS": 2, "SLURM_NTASKS_PER_NODE": 2, "SLURM_NNODES": 1, "SLURM_NODEID": 0, "SLURM_JOB_ID": 4711}
    own = {"SLURM_PROCID": rank, "SLURM_LOCALID": rank, "SLURM_JOB_NAME": "train", "MASTER_ADDR": "127.0.0.1"}
    words = [sys.executable, place / "run.py", "train", place / "recipe.yaml", out]
    variables = os.environ | {name: str(value) for name, value in (tasks | own).items()}
    return subprocess.Popen([*map(str, words)], cwd=place, env=variables)


def test_two_tasks_of_srun_are_one_run(place):
    assert start(place, "train", place / "torchrun").wait(timeout=600) == 0
    tasks = [start_as_srun(place, place / "srun", rank) for rank in range(2)]
    assert [task.wait(timeout=600) for task in tasks] == [0, 0]
    assert same(weights(place / "torchrun"), weights(place / "srun"))


def test_a_run_of_which_one_process_was_killed_resumes_exactly(place):
    both, killed = place / "both", place / "killed"
    assert start(place, "train", both).wait(timeout=600) == 0
    process = start(place, "train", killed)
    pointer = RunFolder(killed).checkpoints / "last"
    there = partial(lambda: pointer.is_file() and pointer.read_text()[7:] >= "epoch00001-batch000001")
    while process.poll() is None and not there():
        time.sleep(0.002)
    assert process.poll() is None, "it ended before it could be killed"
    os.kill(int((place / "killed-train-pid-1").read_text()), signal.SIGKILL)
    assert process.wait(timeout=120) != 0
    assert not RunFolder(killed).weights.is_file()
    assert start(place, "resume", killed).wait(timeout=600) == 0
    assert same(weights(both), weights(killed))
