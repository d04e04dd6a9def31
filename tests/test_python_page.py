"""The page about Python does what it says: its blocks run in order, in one interpreter."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

import anysyn
from anysyn.synthesis.notice import MARK

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
    assert {path.name for path in Path("out").iterdir()} == {"t1_T2w.nii.gz", "t1_pred.nii.gz"}
    for path in Path("out").iterdir():
        assert nib.load(path).header["descrip"].item().decode() == MARK
        np.testing.assert_allclose(nib.load(path).affine, names["t1"].affine, atol=1e-5)
    assert names["metric"].aggregate() > anysyn.metrics.psnr(
        names["t2_meta"], names["real"], data_range=float(names["real"].max())
    )
    assert Path("t2.nii.gz").is_file()
    assert float(names["loss"].detach()) > 0
    assert "psnr" in capsys.readouterr().out
