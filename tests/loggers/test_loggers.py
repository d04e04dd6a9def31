"""Every logger gets the numbers of a training, and what may leave this machine holds no path and no picture."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from PIL import Image
from toys import TINY

import anysyn
from anysyn.errors import UserError
from anysyn.loggers import Logger, Place
from anysyn.plugins import enrol
from anysyn.registry import build, names

enrol()
ROOT = Path(__file__).parents[2]


class FakeRun:
    def __init__(self, **given):
        self.given, self.rows, self.ended = given, [], False

    def log(self, row):
        self.rows.append(row)

    def finish(self):
        self.ended = True


@pytest.fixture
def fake_wandb(monkeypatch):
    """Put a library in the place of wandb that keeps what it gets."""
    fake = SimpleNamespace(runs=[])
    fake.init = lambda **given: fake.runs.append(FakeRun(**given)) or fake.runs[-1]
    monkeypatch.setitem(sys.modules, "wandb", fake)
    return fake


def store(tmp_path):
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def stores(fake_wandb, tmp_path, monkeypatch):
    """Return a function that makes ready what a logger writes to."""

    def ready(name):
        if name == "mlflow":
            pytest.importorskip("mlflow")
            pytest.importorskip("alembic")
            monkeypatch.setenv("MLFLOW_TRACKING_URI", store(tmp_path))

    return ready


@pytest.mark.parametrize("name", names("logger"))
def test_a_logger_takes_numbers_and_pictures_and_ends(name, stores, tmp_path):
    stores(name)
    Image.new("L", (4, 4)).save(tmp_path / "p.png")
    logger = build("logger", {"name": name}, place=Place(tmp_path, "tiny", "synthesis"))
    assert isinstance(logger, Logger)
    logger.numbers({"training/l1": 0.5, "rate/0": 1e-3, "speed": 12.0}, 64)
    logger.picture("validation", tmp_path / "p.png", 64)
    logger.close()


def test_tensorboard_gets_images_rate_and_speed_of_a_training_and_json_the_same_numbers(tiny, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tree = yaml.safe_load(TINY) | {"loggers": [{"name": "tensorboard"}, {"name": "json"}]}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(tree))
    data = [f"data.root={tiny / 'cohort'}", "stages.0.epochs=1"]
    anysyn.train(tmp_path / "r.yaml", out=tmp_path / "run", overrides=data, accelerator="cpu")
    board = EventAccumulator(str(tmp_path / "run" / "tensorboard" / "synthesis"))
    board.Reload()
    assert set(board.Tags()["images"]) == {"validation"}
    assert {"training/l1", "validation/l1", "rate/0", "speed", "waited"} <= set(board.Tags()["scalars"])
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert all(row["stage"] == "synthesis" for row in rows)
    for name in board.Tags()["scalars"]:
        logged = [(event.step, event.value) for event in board.Scalars(name)]
        lines = [(row["samples"], pytest.approx(row[name], rel=1e-5)) for row in rows if name in row]
        assert logged == lines
    assert board.Scalars("rate/0")[0].value <= 5e-3


def test_lines_after_the_checkpoint_are_void(tmp_path):
    def opened(first, stage="a"):
        return build("logger", {"name": "json"}, place=Place(tmp_path, "tiny", stage, first))

    first = opened(0)
    for at in (8, 16, 24):
        first.numbers({"l1": float(at)}, at)
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"stage": "a", "sam')  # of a process that was killed
    opened(16).numbers({"l1": -1.0}, 24)
    opened(0, "b").numbers({"l1": 2.0}, 8)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(row["stage"], row["samples"], row["l1"]) for row in rows] == [
        *(("a", 8, 8.0), ("a", 16, 16.0), ("a", 24, -1.0), ("b", 8, 2.0))
    ]


def test_weights_and_biases_gets_rows_and_no_path(fake_wandb, tmp_path):
    place = Place(tmp_path / "patient", "tiny", "synthesis")
    logger = build("logger", {"name": "wandb", "project": "ours"}, place=place)
    logger.numbers({"training/l1": 0.5}, 64)
    logger.picture("validation", tmp_path / "p.png", 64)
    logger.close()
    [run] = fake_wandb.runs
    assert run.rows == [{"training/l1": 0.5, "samples": 64}]
    assert run.ended
    assert (run.given["mode"], run.given["project"]) == ("offline", "ours")
    assert "patient" not in repr(run.given)


TRAINED_WITH_PATHS = """
import sys
from pathlib import Path
from anysyn.loggers import Place, WeightsAndBiases

logger = WeightsAndBiases(place=Place(Path(sys.argv[1]), "tiny", "synthesis"))
print("read", sys.argv[1])
logger.numbers({"training/l1": 0.5}, 64)
logger.close()
"""


def test_what_the_real_library_would_send_holds_no_command_folder_or_print(tmp_path):
    pytest.importorskip("wandb")
    folder = tmp_path / "Hospital-Q"
    folder.mkdir()
    (folder / "train_of_Q.py").write_text(TRAINED_WITH_PATHS)
    words = [sys.executable, "train_of_Q.py", "data/sub-Meier"]
    subprocess.run(words, cwd=folder, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    sent = [path for path in (folder / "wandb").rglob("*") if path.is_file() and path.resolve().parent.name != "logs"]
    held = b"".join(path.read_bytes() for path in sent)
    assert b"training/l1" in held
    for word in ("Hospital-Q", "sub-Meier", "train_of_Q", str(tmp_path), platform.platform()):
        assert word.encode() not in held, word


def test_mlflow_gets_metrics_and_no_path(stores, tmp_path):
    stores("mlflow")
    from mlflow.tracking import MlflowClient

    place = Place(tmp_path / "patient", "tiny", "synthesis")
    for number in (1, 2):  # the experiment is made once
        logger = build("logger", {"name": "mlflow", "experiment": "ours"}, place=place)
        logger.numbers({"training/l1": 0.5 * number}, 64)
        logger.close()
    client = MlflowClient(tracking_uri=store(tmp_path))
    runs = client.search_runs([client.get_experiment_by_name("ours").experiment_id])
    assert sorted(run.data.metrics["training/l1"] for run in runs) == [0.5, 1.0]
    assert all(run.info.status == "FINISHED" for run in runs)
    assert all("patient" not in repr(run.data) for run in runs)


def test_a_library_that_is_missing_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match=r"needs wandb; pip install 'anysyn\[wandb\]', or leave the logger out"):
        build("logger", {"name": "wandb"}, place=Place(tmp_path, "tiny", "synthesis"))


def test_a_store_that_mlflow_refuses_is_one_line(stores, tmp_path, monkeypatch):
    stores("mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "no-such-store://x")
    with pytest.raises(UserError, match="loggers: mlflow: "):
        build("logger", {"name": "mlflow"}, place=Place(tmp_path, "tiny", "synthesis"))


@pytest.mark.parametrize("key", ["uri", "folder", "dir", "pictures"])
@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_recipe_cannot_say_where_logs_go_nor_send_pictures(name, key, tmp_path):
    with pytest.raises(UserError, match=key):
        build("logger", {"name": name, key: True}, place=Place(tmp_path, "tiny", "synthesis"))
