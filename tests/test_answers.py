"""No wrong answer with exit code 0: what a user stops, mistypes or may not read, by the command line."""

import errno
import os
import signal
import subprocess
import sys
import time

import pytest
from toys import TINY, write_cohort
from typer.testing import CliRunner

from anysyn import build
from anysyn.cli import app
from anysyn.cli.terminal.outcome import attempt
from anysyn.errors import RecipeError, explain


def call(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("answers")
    write_cohort(folder / "cohort")
    (folder / "tiny.yaml").write_text(TINY)
    return folder


@pytest.fixture(scope="module")
def run(place):
    words = ("train", place / "tiny.yaml", "--out", place / "run", f"data.root={place / 'cohort'}", "stages.0.epochs=1")
    assert call(*words, "--accelerator", "cpu").exit_code == 0
    return place / "run"


@pytest.mark.parametrize(
    "override",
    [
        "stages=[]",
        "stages.0.steps=[]",
        "stages.0.steps.0.train=[]",
        "stages.0.steps.0.objective.losses=[]",
        "stages.0.epochs=-1",
        "data.split.seed=-1",
        "data.split.train=-0.5",
        "parts.synthesizer.encoder.widths=[]",
        "stages.0.steps.0.optimizer.lr=.nan",
        "seed=-1",
    ],
)
def test_a_recipe_that_would_train_nothing_or_nonsense_is_refused_in_one_line(override):
    with pytest.raises(RecipeError) as caught:
        build.load("small/label", [override])
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "mistake", ["stages.0.epochs=0", "data.root=nowhere", "data.datasets=[none]", "data.split.train=[sub-99]"]
)
def test_a_mistake_leaves_no_folder_and_an_earlier_run_as_it_is(place, run, tmp_path, mistake):
    recipe, root = place / "tiny.yaml", f"data.root={place / 'cohort'}"
    result = call("train", recipe, "--out", tmp_path / "new", root, mistake)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "new").exists()
    before = (run / "weights.safetensors").read_bytes()
    assert call("train", recipe, "--out", run, "--overwrite", root, mistake).exit_code == 1
    assert (run / "weights.safetensors").read_bytes() == before


def test_a_training_whose_images_all_fail_does_not_block_the_corrected_command(place, tmp_path):
    for n in range(4):
        for name in ("T1w", "T2w"):
            (tmp_path / "cohort" / f"sub-{n:02d}").mkdir(parents=True, exist_ok=True)
            (tmp_path / "cohort" / f"sub-{n:02d}" / f"{name}.nii.gz").write_bytes(b"damaged")
    words = ("train", place / "tiny.yaml", "--out", tmp_path / "run", "--accelerator", "cpu", "stages.0.epochs=1")
    assert call(*words, f"data.root={tmp_path / 'cohort'}").exit_code == 1
    corrected = call(*words, f"data.root={place / 'cohort'}")
    assert corrected.exit_code == 0, corrected.stderr
    assert (tmp_path / "run" / "weights.safetensors").is_file()


@pytest.mark.parametrize("target", ["weights.safetensors", "recipe.yaml"])
def test_a_file_that_may_not_be_read_is_one_line(run, tmp_path, target):
    source = run.parent / "cohort" / "sub-00" / "T1w.nii.gz"
    if os.geteuid() == 0:  # nothing is forbidden to root, so the file is made a folder, which nobody can read
        moved = (run / target).rename(tmp_path / target)
        (run / target).mkdir()
    else:
        (run / target).chmod(0)
    try:
        result = call("synthesize", run, "--source", f"T1w={source}", "--target", "T2w", "--out", tmp_path / "x.nii.gz")
    finally:
        if os.geteuid() == 0:
            (run / target).rmdir()
            moved.rename(run / target)
        else:
            (run / target).chmod(0o600)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "x.nii.gz").exists()


@pytest.mark.parametrize("words", [("train", "small/label", "--out"), ("report",), ("evaluate",), ("show",)])
def test_a_name_of_300_letters_is_one_line(words):
    result = call(*words, "x" * 300, *(["data.root=cohort"] if words[0] == "train" else []))
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "number", [errno.ENAMETOOLONG, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO, errno.EMFILE]
)
def test_what_the_system_refuses_is_a_line_with_a_remedy(number):
    (line,) = explain(OSError(number, os.strerror(number), "image.nii.gz"))
    assert line.startswith("image.nii.gz: ")
    assert "; " in line


def test_ctrl_c_of_a_training_says_how_to_resume(place, tmp_path):
    run = tmp_path / "run"
    words = ["train", str(place / "tiny.yaml"), "--out", str(run), f"data.root={place / 'cohort'}"]
    command = [sys.executable, "-c", "from anysyn.cli import app; app()", *words, "--accelerator", "cpu"]
    training = subprocess.Popen(
        [*command, "stages.0.epochs=5000"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        end = time.monotonic() + 120
        while not (run / "checkpoints" / "last").exists() and time.monotonic() < end:
            time.sleep(0.2)
        training.send_signal(signal.SIGINT)
        said = training.communicate(timeout=60)[1].strip().splitlines()[-1]
    finally:
        training.kill()
    assert said == f"stopped; go on with: anysyn train --resume {run}"
    assert training.returncode == 130


def test_ctrl_c_of_any_other_command_says_to_call_it_again(capsys):
    def stopped():
        raise KeyboardInterrupt

    with pytest.raises(Exception) as caught:  # noqa: PT011 typer's own exception
        attempt(stopped)
    assert caught.value.exit_code == 130
    assert capsys.readouterr().err == "stopped; call it again\n"
