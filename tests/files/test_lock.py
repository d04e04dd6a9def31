import json
import multiprocessing
import os
import signal
import subprocess
import sys

import pytest

from anysyn.errors import UserError
from anysyn.files.lock import LOCK, _identity, locked

HOLD = """
import sys, time
from pathlib import Path
from anysyn.files import locked
with locked(Path(sys.argv[1]), "anysyn train"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Return a process that holds the lock of a folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "run"], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def write(folder, **changes):
    folder.mkdir(exist_ok=True)
    (folder / LOCK).write_text(json.dumps({**_identity(os.getpid()), "command": "anysyn train", **changes}))


def test_a_second_process_is_refused_in_one_line_that_names_the_first(tmp_path, holder):
    with pytest.raises(UserError, match="still running") as caught, locked(tmp_path / "run", "anysyn evaluate"):
        pass
    assert f"process {holder.pid} on" in str(caught.value)
    assert "(anysyn train)" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert json.loads((tmp_path / "run" / LOCK).read_text())["pid"] == holder.pid


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # dead, and not collected yet
    assert (tmp_path / "run" / LOCK).is_file()
    with locked(tmp_path / "run", "anysyn train"):
        assert json.loads((tmp_path / "run" / LOCK).read_text())["pid"] == os.getpid()
    assert not (tmp_path / "run" / LOCK).exists()


def test_a_number_that_another_process_got_is_no_owner(tmp_path):
    write(tmp_path / "run", started="1")
    with locked(tmp_path / "run", "anysyn train"):
        assert json.loads((tmp_path / "run" / LOCK).read_text())["started"] != "1"


@pytest.mark.parametrize("elsewhere", [{"host": "node7"}, {"namespace": "pid:[1]"}])
def test_a_lock_of_another_host_or_container_is_refused_with_its_file(tmp_path, elsewhere):
    write(tmp_path / "run", pid=2**22 + 1, **elsewhere)
    with pytest.raises(UserError, match=f"if it no longer runs, delete .*{LOCK}"), locked(tmp_path / "run", "x"):
        pass
    assert (tmp_path / "run" / LOCK).is_file()


def test_an_empty_lock_is_that_of_a_process_that_died_while_it_wrote(tmp_path):
    (tmp_path / LOCK).touch()
    with locked(tmp_path, "anysyn train"):
        assert json.loads((tmp_path / LOCK).read_text())["command"] == "anysyn train"


def test_a_file_of_somebody_else_is_no_lock(tmp_path):
    (tmp_path / LOCK).write_text("mine")
    with pytest.raises(UserError, match="no lock of anysyn's"), locked(tmp_path, "anysyn train"):
        pass
    assert (tmp_path / LOCK).read_text() == "mine"


def test_a_lock_is_never_written_through_a_link(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "victim").write_text("")
    (tmp_path / "run" / LOCK).symlink_to(tmp_path / "victim")
    with pytest.raises(OSError, match="run"), locked(tmp_path / "run", "anysyn train"):
        pass
    assert (tmp_path / "victim").read_text() == ""


def test_an_error_gives_the_lock_back_and_leaves_no_empty_folder(tmp_path):
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "a" / "run", "anysyn train"):
        raise ZeroDivisionError
    assert not any(tmp_path.iterdir())
    (tmp_path / "there").mkdir()
    with locked(tmp_path / "there", "anysyn train"):
        pass
    assert (tmp_path / "there").is_dir()


def attempt(folder, begin, taken):
    begin.wait()
    try:
        with locked(folder, "anysyn train"):
            taken.append(os.getpid())
            begin.wait()  # all others have tried by now
    except UserError:
        begin.wait()


def test_of_many_that_find_a_stale_lock_at_once_one_gets_it(tmp_path):
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        for _ in range(3):
            write(tmp_path / "run", started="1")
            begin, taken = manager.Barrier(4), manager.list()
            processes = [context.Process(target=attempt, args=(tmp_path / "run", begin, taken)) for _ in range(4)]
            for process in processes:
                process.start()
            for process in processes:
                process.join(60)
            assert len(taken) == 1
            assert not (tmp_path / "run" / LOCK).exists()


@pytest.mark.parametrize("text", [200_000 * "[", 200_000 * '{"pid":', "[]", "null", '{"pid": ' + 5000 * "9" + "}"])
def test_a_lock_of_a_stranger_is_one_line(tmp_path, text):
    (tmp_path / LOCK).write_text(text)
    with pytest.raises(UserError, match="is no lock of anysyn's") as caught, locked(tmp_path, "anysyn train"):
        pass
    assert len(str(caught.value).splitlines()) == 1
    assert (tmp_path / LOCK).read_text() == text


def test_a_lock_that_is_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / LOCK)
    with pytest.raises(UserError, match="pipe"), locked(tmp_path, "anysyn train"):
        pass
