import errno
import io
import os
from pathlib import Path

import pytest
import torch

from anysyn.training.run_folder import checkpoints as module
from anysyn.training.run_folder.checkpoints import Checkpoint, Checkpoints
from anysyn.training.run_folder.folder import RunError, RunFolder
from anysyn.training.run_folder.log import Log


def checkpoint(epoch, weight=1.0, average=None):
    return Checkpoint({"w": torch.full((3,), weight)}, average or {}, {"epoch": epoch}, [], {})


def test_a_checkpoint_is_read_as_it_was_written(tmp_path):
    run = Checkpoints(RunFolder(tmp_path))
    assert run.last() is None
    run.save("stage0-epoch1-batch0", checkpoint(1, average={"module.w": torch.zeros(3)}))
    last = run.last()
    assert last.parts["w"].tolist() == [1, 1, 1]
    assert last.average["module.w"].tolist() == [0, 0, 0]
    assert (last.position, last.optimizers, last.precision) == ({"epoch": 1}, [], {})


def test_a_full_disk_leaves_the_old_checkpoint_whole(tmp_path, monkeypatch):
    run = Checkpoints(RunFolder(tmp_path))
    run.save("stage0-epoch1-batch0", checkpoint(1))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module.torch, "save", full)
    with pytest.raises(RunError, match=r"No space left on device.*the one before it is kept"):
        run.save("stage0-epoch2-batch0", checkpoint(2, weight=0.0))
    monkeypatch.undo()
    assert run.last().position == {"epoch": 1}
    assert run.last().parts["w"].tolist() == [1, 1, 1]
    assert [path.name for path in run.folder.checkpoints.iterdir() if path.is_dir()] == ["stage0-epoch1-batch0"]


def test_a_new_checkpoint_takes_the_place_of_the_old_one(tmp_path):
    run = Checkpoints(RunFolder(tmp_path))
    run.save("stage0-epoch1-batch0", checkpoint(1))
    run.save("stage0-epoch2-batch0", checkpoint(2))
    assert run.last().position == {"epoch": 2}
    assert not (run.folder.checkpoints / "stage0-epoch1-batch0").exists()


def test_saving_a_position_twice_keeps_it(tmp_path):
    run = Checkpoints(RunFolder(tmp_path))
    for _ in range(2):
        run.save("stage0-epoch1-batch0", checkpoint(1))
    assert run.last().position == {"epoch": 1}


def test_a_state_that_would_run_code_is_refused(tmp_path):
    run = Checkpoints(RunFolder(tmp_path))
    run.save("stage0-epoch1-batch0", checkpoint(1))

    class Evil:
        def __reduce__(self):
            return (print, ("code ran",))

    torch.save(Evil(), run.folder.checkpoints / "stage0-epoch1-batch0" / "state.pt")
    with pytest.raises(RunError, match="cannot be read"):
        run.last()


def test_missing_and_damaged_weights_are_named(tmp_path):
    run = Checkpoints(RunFolder(tmp_path))
    with pytest.raises(RunError, match=r"keeps no weights of its stage 'a' \(stage-a.safetensors\)"):
        run.load_weights("a")
    run.folder.weights.write_bytes(b"damaged")
    with pytest.raises(RunError, match=r"weights.safetensors: cannot be read"):
        run.load_weights()


@pytest.mark.parametrize("name", ["weights.safetensors", "state.pt", "last"])
def test_what_may_not_be_read_is_not_to_be_trained_anew(tmp_path, monkeypatch, name):
    run = Checkpoints(RunFolder(tmp_path))
    run.save("stage0-epoch1-batch0", checkpoint(1))
    run.folder.weights.write_bytes(b"whole")

    def refusing(opened):  # as for everybody but root, whom no test can forbid anything
        def refused(path, *arguments, **options):
            if Path(str(path)).name == name:
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return opened(path, *arguments, **options)

        return refused

    for place, opened in {"io.open": io.open, "builtins.open": io.open, "os.open": os.open}.items():
        monkeypatch.setattr(place, refusing(opened))
    with pytest.raises(RunError, match=rf"{name}: cannot be read \(Permission denied\); change its permissions$"):
        run.last()
    if name == "weights.safetensors":
        with pytest.raises(RunError, match=r"change its permissions$"):
            run.load_weights()


def test_only_old_checkpoints_are_deleted(tmp_path):
    run = Checkpoints(RunFolder(tmp_path / "run"))
    run.save("stage0-epoch1-batch0", checkpoint(1))
    folder, victim = run.folder.checkpoints, tmp_path / "victim"
    for other in (folder / "mine", folder / "stage0-epoch1-batch0" / "notes", victim):
        other.mkdir()
        (other / "state.pt").write_text("mine")
    (folder / "stage0-epoch0-batch9").symlink_to(victim)
    (folder / "linked").symlink_to(victim)
    run.save("stage0-epoch2-batch0", checkpoint(2))
    assert sorted(path.name for path in folder.iterdir()) == [
        "last", "linked", "mine", "stage0-epoch0-batch9", "stage0-epoch1-batch0", "stage0-epoch2-batch0"
    ]  # fmt: skip
    assert [path.name for path in (folder / "stage0-epoch1-batch0").iterdir()] == ["notes"]
    assert [path.read_text() for path in (folder / "mine" / "state.pt", victim / "state.pt")] == ["mine", "mine"]


@pytest.mark.parametrize("name", ["checkpoints", "checkpoints/stage0-epoch2-batch0"])
def test_no_checkpoint_is_written_through_a_link(tmp_path, name):
    run = Checkpoints(RunFolder(tmp_path / "run"))
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "weights.safetensors").write_text("mine")
    (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "run" / name).symlink_to(tmp_path / "victim")
    with pytest.raises(RunError, match="is a link"):
        run.save("stage0-epoch2-batch0", checkpoint(2))
    assert [path.read_text() for path in (tmp_path / "victim").iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["../../victim", "/victim", "mine", "stage0-epoch1-batch0/../../../victim", ""])
def test_a_pointer_that_leads_elsewhere_is_refused(tmp_path, name):
    run = Checkpoints(RunFolder(tmp_path / "run"))
    run.save("stage0-epoch1-batch0", checkpoint(1))
    (run.folder.checkpoints / "last").write_text(name)
    with pytest.raises(RunError, match="no name of a checkpoint"):
        run.last()


def test_a_log_is_not_cut_back_through_a_link(tmp_path):
    (tmp_path / "victim.csv").write_text("mine")
    (tmp_path / "log.csv").symlink_to(tmp_path / "victim.csv")
    with pytest.raises(RunError, match="is a link"):
        Log(tmp_path / "log.csv")
    assert (tmp_path / "victim.csv").read_text() == "mine"


@pytest.mark.parametrize("keep", [0, 5, 100])
def test_cutting_a_log_back_leaves_a_copy_by_hard_links_as_it_is(tmp_path, keep):
    (tmp_path / "log.csv").write_text("a,b\n1,2\n")
    (tmp_path / "copy.csv").hardlink_to(tmp_path / "log.csv")
    log = Log(tmp_path / "log.csv", keep=keep)
    assert log.path.read_text() == "a,b\n1,2\n"[:keep]  # and no zeros behind the end
    log.row(a=3, b=4)
    assert (tmp_path / "copy.csv").read_text() == "a,b\n1,2\n"


def test_a_log_of_an_earlier_version_keeps_its_columns(tmp_path):
    (tmp_path / "log.csv").write_text("a,b\n1,2\n")
    log = Log(tmp_path / "log.csv", keep=8)
    log.row(a=3, b=4, c=5)
    assert log.path.read_text() == "a,b\n1,2\n3,4\n"
