import signal
import subprocess
import sys

import pytest

from anysyn.errors import UserError
from anysyn.files import contents_of, whole_folder, whole_results, write_text

GLOBS = ["cases.csv", "table.csv", "examples/1.npz", "examples/2.npz"]
KILLED = """
import os, signal, sys
from pathlib import Path
from anysyn.files import whole_folder, whole_results, write_text
how, folder, stop = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
calls, own = [], os.replace
def replace(a, b):
    if ".anysyn.part" in str(a) and ".anysyn.part" not in str(b):
        calls.append(b)
        if len(calls) > stop:
            os.kill(os.getpid(), signal.SIGKILL)
    own(a, b)
os.replace = replace
globs = ["cases.csv", "table.csv", "examples/1.npz", "examples/2.npz"]
if how == "results":
    making = whole_results(folder, globs, made_by="anysyn evaluate", check=lambda _: None)
else:
    making = whole_folder(folder, globs, made_by="anysyn simulate")
with making as inside:
    for name in ("cases.csv", "table.csv", "examples/2.npz"):
        write_text(inside / name, "new")
    if stop < 0:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def write(folder, text, *names):
    with whole_results(folder, GLOBS, made_by="anysyn evaluate", check=lambda _: None) as inside:
        for name in names:
            write_text(inside / name, text)


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.name != "manifest.json"
    }


def kill(how, folder, stop):
    process = subprocess.run([sys.executable, "-c", KILLED, how, folder, str(stop)], check=False)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("stop", [-1, 0, 1, 2])
def test_a_process_killed_at_any_time_leaves_the_old_results_or_none_that_count(tmp_path, stop):
    folder = tmp_path / "evaluation"
    write(folder, "old", "cases.csv", "table.csv", "examples/1.npz")
    kill("results", folder, stop)
    seen = {name: text for name, text in files(folder).items() if ".anysyn.part" not in name}
    if stop < 0:
        assert seen == {"cases.csv": "old", "table.csv": "old", "examples/1.npz": "old"}
    else:
        assert "cases.csv" not in seen  # without which results are none
        assert set(seen.values()) <= {"new"}
    write(folder, "third", "cases.csv")
    assert files(folder) == {"cases.csv": "third"}
    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == ["cases.csv", "manifest.json"]


def test_the_check_sees_what_is_there_and_refuses_before_anything_is_written(tmp_path):
    write(tmp_path, "old", "cases.csv")
    (tmp_path / "notes.txt").write_text("mine")

    def refuse(contents):
        assert [path.name for path in contents.foreign] == ["notes.txt"]
        raise UserError("no")

    with pytest.raises(UserError), whole_results(tmp_path, GLOBS, made_by="anysyn evaluate", check=refuse):
        pass
    assert files(tmp_path) == {"cases.csv": "old", "notes.txt": "mine"}


def test_an_unfinished_folder_of_somebody_else_is_left_alone(tmp_path):
    hidden = tmp_path / ".cohort.part"
    hidden.mkdir()
    (hidden / "precious.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds precious\.txt"), whole_folder(tmp_path / "cohort", GLOBS, made_by="x"):
        pass
    assert (hidden / "precious.txt").read_text() == "mine"
    assert not (tmp_path / "cohort").exists()


def test_an_unfinished_folder_that_is_a_link_is_left_alone(tmp_path):
    (tmp_path / "victim").mkdir()
    (tmp_path / ".cohort.part").symlink_to(tmp_path / "victim")
    with pytest.raises(UserError, match="is a link"), whole_folder(tmp_path / "cohort", GLOBS, made_by="x"):
        pass
    assert not any((tmp_path / "victim").iterdir())


def test_what_a_killed_process_left_of_a_folder_is_cleared_except_for_files_of_others(tmp_path):
    kill("folder", tmp_path / "cohort", -1)
    hidden = tmp_path / ".cohort.part"
    assert len(files(hidden)) == 3
    (hidden / "mine.txt").write_text("mine")
    again = whole_folder(tmp_path / "cohort", GLOBS, made_by="anysyn simulate")
    with pytest.raises(UserError, match=r"holds mine\.txt"), again:
        pass
    (hidden / "mine.txt").unlink()
    with whole_folder(tmp_path / "cohort", GLOBS, made_by="anysyn simulate") as inside:
        assert not files(inside)
        write_text(inside / "cases.csv", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["cohort"]
    assert not contents_of(tmp_path / "cohort").foreign


def test_two_processes_never_make_one_folder(tmp_path):
    with whole_folder(tmp_path / "cohort", GLOBS, made_by="anysyn simulate") as inside:
        write_text(inside / "cases.csv", "first")
        with pytest.raises(UserError, match="locked by process"), whole_folder(tmp_path / "cohort", GLOBS, made_by="x"):
            pass
    assert files(tmp_path / "cohort") == {"cases.csv": "first"}
