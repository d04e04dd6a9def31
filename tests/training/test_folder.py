import errno

import pytest
import torch

from anysyn.training import folder as folder_module
from anysyn.training.folder import RunError, RunFolder


def test_a_full_disk_leaves_the_old_checkpoint_whole(tmp_path, monkeypatch):
    run = RunFolder(tmp_path)
    run.save_checkpoint("first", {"w": torch.ones(3)}, {"epoch": 1})

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder_module.torch, "save", full)
    with pytest.raises(RunError, match=r"No space left on device.*the one before it is kept"):
        run.save_checkpoint("second", {"w": torch.zeros(3)}, {"epoch": 2})
    monkeypatch.undo()
    weights, state = run.load_checkpoint()
    assert state == {"epoch": 1}
    assert weights["w"].tolist() == [1, 1, 1]
    assert [path.name for path in run.checkpoints.iterdir() if path.is_dir()] == ["first"]


def test_a_new_checkpoint_takes_the_place_of_the_old_one(tmp_path):
    run = RunFolder(tmp_path)
    run.save_checkpoint("first", {"w": torch.ones(1)}, {"epoch": 1})
    run.save_checkpoint("second", {"w": torch.zeros(1)}, {"epoch": 2})
    assert run.load_checkpoint()[1] == {"epoch": 2}
    assert not (run.checkpoints / "first").exists()


def test_saving_a_position_twice_keeps_it(tmp_path):
    run = RunFolder(tmp_path)
    for _ in range(2):
        run.save_checkpoint("first", {"w": torch.ones(1)}, {"epoch": 1})
    assert run.load_checkpoint()[1] == {"epoch": 1}


def test_a_state_that_would_run_code_is_refused(tmp_path):
    run = RunFolder(tmp_path)
    run.save_checkpoint("first", {"w": torch.ones(1)}, {})

    class Evil:
        def __reduce__(self):
            return (print, ("code ran",))

    torch.save(Evil(), run.checkpoints / "first" / "state.pt")
    with pytest.raises(RunError, match="cannot be read"):
        run.load_checkpoint()


def test_no_record_says_what_is_missing(tmp_path):
    with pytest.raises(RunError, match=r"split\.json"):
        RunFolder(tmp_path).read("split.json")
