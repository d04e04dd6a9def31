"""What all tests share."""

import os
import tempfile
from pathlib import Path

import pytest
import torch
from checkpoints import write_checkpoint, write_open_checkpoint
from run_folders import write_evaluation, write_run
from toys import TINY, write_cohort

import anysyn
from anysyn.data.records import Failure

# Tests compute on small tensors, in several workers at once: with one thread each they take half the time.
torch.set_num_threads(1)

# No test writes into the user's own cache of prepared images, nor does a process that one starts: the home is another
# one, and tools that keep things in the real one are told where.
HOMES = {"HF_HOME": "huggingface", "TORCH_HOME": "torch", "MPLCONFIGDIR": "matplotlib", "UV_CACHE_DIR": "uv"}
for variable, kept in {**HOMES, "PIP_CACHE_DIR": "pip"}.items():
    os.environ.setdefault(variable, str(Path.home() / ".cache" / kept))
HOME = tempfile.TemporaryDirectory(prefix="anysyn-home-")
os.environ["HOME"] = HOME.name


@pytest.fixture(scope="session")
def offline(tmp_path_factory):
    """Return a function from a recipe's file to the overrides that it needs without a hub."""
    hub = tmp_path_factory.mktemp("hub")
    write_checkpoint(hub / "clip")
    write_open_checkpoint(hub / "open")

    def overrides(path):
        if path.stem.endswith("biomedclip"):
            return [f"parts.clip.checkpoint={hub / 'open'}"]
        needed = path.parent.name == "recipes" and path.stem.startswith("omnisyn")
        return [f"parts.clip.checkpoint={hub / 'clip'}"] if needed else []

    return overrides


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Return a folder with a cohort and a run that was trained on it for an epoch; tests leave both as they are."""
    folder = tmp_path_factory.mktemp("tiny")
    write_cohort(folder / "cohort")
    (folder / "tiny.yaml").write_text(TINY)
    data = [f"data.root={folder / 'cohort'}", "stages.0.epochs=1"]
    anysyn.train(folder / "tiny.yaml", out=folder / "run", overrides=data, accelerator="cpu")
    return folder


@pytest.fixture
def run(tmp_path):
    """Return a run folder as training writes it, with tiny arrays."""
    return write_run(tmp_path / "run")


@pytest.fixture
def evaluated(run):
    """Return that run, evaluated, with a failure."""
    write_evaluation(run, run.path / "evaluation", failures=[Failure("sub-09", None, "T2w.nii.gz: is damaged <b>")])
    return run


@pytest.fixture
def shared():
    """Return the folder of real images beside the checkout, if there is one."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data")
    return folder
