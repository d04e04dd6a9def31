"""Event files are read by TensorBoard itself, which checks every check sum."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from anysyn.loggers.event_file import EventFile

accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def read(folder):
    return accumulator.EventAccumulator(str(folder)).Reload()


def test_scalars_come_back_as_they_are(tmp_path):
    file = EventFile(tmp_path / "new" / "stage", 0)
    values = {0: 0.5, 127: -1e30, 128: 1e-30, 300_000_000_000: 3.25}
    for step, value in values.items():
        file.scalar("training/größe", value, step)
    file.scalar("other", float("nan"), 1)
    board = read(tmp_path / "new" / "stage")  # before it is closed: whole after each call
    assert {event.step: event.value for event in board.Scalars("training/größe")} == pytest.approx(values)
    assert np.isnan(board.Scalars("other")[0].value)
    file.close()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pictures_come_back_as_they_are(mode, tmp_path):
    drawn = np.random.default_rng(0).integers(0, 256, (37, 200, len(mode)), dtype=np.uint8).squeeze()
    Image.fromarray(drawn, mode).save(tmp_path / "p.png")
    file = EventFile(tmp_path / "board", 0)
    file.picture("validation", tmp_path / "p.png", 7)
    file.close()
    [event] = read(tmp_path / "board").Images("validation")
    assert (event.step, event.height, event.width) == (7, 37, 200)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(event.encoded_image_string))), drawn)


def test_what_was_written_after_the_checkpoint_is_void(tmp_path):
    first = EventFile(tmp_path, 0)
    for step in (8, 16, 24):
        first.scalar("l1", float(step), step)
    second = EventFile(tmp_path, 17)
    second.scalar("l1", -1.0, 24)
    assert [(event.step, event.value) for event in read(tmp_path).Scalars("l1")] == [(8, 8.0), (16, 16.0), (24, -1.0)]


def test_check_sums_are_those_of_tensorboard(tmp_path):
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    from anysyn.loggers.event_file import _check_sum

    for data in (b"", b"123456789", bytes(range(256)) * 5):
        assert int.from_bytes(_check_sum(data), "little") == masked_crc32c(data)


def test_the_logger_needs_nothing_of_tensorboard(tmp_path):
    code = (
        "import sys; sys.modules['tensorboard'] = None\n"
        "from pathlib import Path; from anysyn.loggers import Place, TensorBoard\n"
        f"TensorBoard(place=Place(Path({str(tmp_path)!r}), 'a', 'b')).numbers({{'l1': 1.0}}, 1)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert read(tmp_path / "tensorboard" / "b").Scalars("l1")[0].value == 1.0
