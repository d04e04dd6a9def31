import errno
import os

import pytest

from anysyn.files import clear_unfinished, replacing, replacing_pair, write_json, write_text


def test_a_file_that_fails_leaves_the_old_one_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(TypeError), replacing(path, overwrite=True) as file:
        file.write("no bytes")
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_part_that_is_a_link_is_not_written_through(tmp_path):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / f".a.txt.{os.getpid()}.part").symlink_to(tmp_path / "victim")
    write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "victim").read_text() == "mine"


def pair(folder, text):
    with replacing_pair(folder / "t2.nii", folder / "t2.json") as inside:
        write_text(inside / "t2.nii", text)
        write_json(inside / "t2.json", {"of": text})


def test_a_pair_takes_its_place_together(tmp_path):
    for text in ("old", "new"):
        pair(tmp_path, text)
    assert (tmp_path / "t2.nii").read_text() == "new"
    assert "new" in (tmp_path / "t2.json").read_text()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_full_disk_leaves_the_old_pair(tmp_path, monkeypatch):
    pair(tmp_path, "old")

    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setitem(globals(), "write_json", full)
    with pytest.raises(OSError, match="full"):
        pair(tmp_path, "new")
    assert (tmp_path / "t2.nii").read_text() == "old"
    assert "old" in (tmp_path / "t2.json").read_text()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("stop", [0, 1, 2])
def test_whenever_it_stops_no_record_lies_beside_another_file(tmp_path, monkeypatch, stop):
    pair(tmp_path, "old")
    calls, own = [], os.replace

    def replace(a, b):
        if str(b).startswith(str(tmp_path / "t2")):
            calls.append(b)
            if len(calls) > stop:
                raise KeyboardInterrupt
        own(a, b)

    monkeypatch.setattr(os, "replace", replace)
    try:
        pair(tmp_path, "new")
    except KeyboardInterrupt:
        assert stop < 2
    image, record = tmp_path / "t2.nii", tmp_path / "t2.json"
    assert image.read_text() == ("old", "new", "new")[stop]
    assert record.exists() == (stop == 2)
    assert not record.exists() or image.read_text() in record.read_text()


def test_what_killed_processes_left_of_a_pair_goes_and_nothing_else(tmp_path):
    own, mine = tmp_path / ".t2.nii.123.part", tmp_path / ".t2.nii.124.part"
    for folder in (own, mine, tmp_path / ".other.nii.1.part"):
        folder.mkdir()
        for name in ("t2.nii", ".t2.json.77.part"):
            (folder / name).write_text("half")
    (mine / "notes.txt").write_text("mine")
    (tmp_path / ".t2.nii.9.part").symlink_to(tmp_path / ".other.nii.1.part")
    clear_unfinished(tmp_path / "t2.nii", tmp_path / "t2.json")
    assert not own.exists()
    assert [path.name for path in mine.iterdir()] == ["notes.txt"]
    assert len(list((tmp_path / ".other.nii.1.part").iterdir())) == 2
