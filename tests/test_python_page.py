"""The page about Python does what it says: its blocks run in order, in one interpreter."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "python.md"


@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # a training of two people doubts everybody
def test_the_blocks_run(tiny, tmp_path, monkeypatch, capsys):
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 7
    shutil.copytree(tiny / "run", tmp_path / "runs" / "label")
    shutil.copy(tiny / "cohort" / "sub-00" / "T1w.nii.gz", tmp_path / "t1.nii.gz")
    shutil.copy(tiny / "cohort" / "sub-00" / "T2w.nii.gz", tmp_path / "truth.nii.gz")
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["t2_tensor"].shape == (1, *names["t2_array"].shape)
    assert names["flair"].shape == names["t1"].shape
    np.testing.assert_allclose(names["t2_meta"][0], np.asarray(names["t2"].dataobj), rtol=1e-4, atol=1e-3)
    assert torch.equal(names["t2_meta"].affine, names["loaded"].affine)
    assert Path("t2.nii.gz").is_file()
    assert float(names["loss"].detach()) > 0
    assert "psnr" in capsys.readouterr().out
