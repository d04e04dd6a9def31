"""Small files of others: no pipe is waited for, nothing fills the memory, no number is odd."""

import os

import pytest

from anysyn.errors import UserError
from anysyn.files import read_json, read_regular, write_text


def test_a_pipe_a_device_a_folder_and_a_large_file_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 6_000_000_000)  # sparse: takes no room on the disk
    for name in ("pipe", "zero", "folder", "large"):
        with pytest.raises((UserError, OSError), match=name):
            read_regular(tmp_path / name, 1000)


@pytest.mark.parametrize("text", ['{"a":' * 100_000, "[" * 100_000 + "]" * 100_000, "TOPSECRET", "\xff", ""])
def test_what_is_no_json_is_a_value_error_without_its_words(tmp_path, text):
    (tmp_path / "x.json").write_bytes(text.encode("latin1"))
    with pytest.raises(ValueError, match=r"\w") as caught:
        read_json(tmp_path / "x.json")
    assert "TOPSECRET" not in str(caught.value)


@pytest.mark.parametrize("number", ["9" * 4000, "9" * 5000, "-" + "9" * 5000, "1e400", "-1e999", "NaN", "Infinity"])
def test_a_number_that_no_computer_holds_is_nothing(tmp_path, number):
    (tmp_path / "x.json").write_text(f'{{"EchoTime": {number}}}')
    assert read_json(tmp_path / "x.json") == {"EchoTime": None}


def test_a_name_that_is_not_utf_8_is_written_visibly(tmp_path):
    write_text(tmp_path / "x.csv", "sub-\udcff01")
    assert (tmp_path / "x.csv").read_text() == "sub-\\udcff01"
