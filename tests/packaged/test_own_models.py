"""Each run that comes with anysyn loads, answers, and says what it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from anysyn.data.modalities import modality
from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume
from anysyn.exporting.fixed_network import fixed_network
from anysyn.exporting.formats import FREEDOMS, exported_program
from anysyn.packaged.names import own_packages, packaged_names
from anysyn.synthesis import load_run
from anysyn.synthesis.files import synthesize_study
from anysyn.synthesis.suitability_check import profile_in

NAMES = packaged_names()
MOST = 12 * 2**20  # bytes in the wheel


def test_there_are_runs_to_test():
    assert "brain-mri" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small_and_says_what_it_is(name):
    folder = own_packages() / name
    assert sum(path.stat().st_size for path in folder.iterdir()) <= MOST
    card = (folder / "README.md").read_text()
    assert "not for clinical use" in card
    for private in ("/work/", "/home/", "sub-07", "TCGA-DU-7294", "STS0"):
        assert not any(private.encode() in path.read_bytes() for path in folder.iterdir()), private


@pytest.mark.parametrize("name", NAMES)
def test_it_answers_from_each_contrast_alone(name):
    run = load_run(name, accelerator="cpu")
    assert profile_in(run.folder) is not None
    x, y, _ = np.indices((40, 44, 9)) - np.array([20, 22, 4]).reshape(3, 1, 1, 1)
    body = torch.from_numpy(((x / 15) ** 2 + (y / 18) ** 2 < 1).astype(np.float32))
    for source in run.recipe.modalities:
        air, tissue = (-1000.0, 40.0) if modality(source).unit == "HU" else (0.0, 3.0)
        image = air + (tissue - air) * body * (1 + 0.1 * torch.rand(body.shape))
        study = study_of({source: Volume(image, np.diag([4.0, 4.0, 4.0, 1.0]))})
        targets = [target for target in run.recipe.modalities if target != source]
        for target, answer in synthesize_study(run, study, [source], targets[:1]).items():
            assert answer.shape == image.shape
            assert answer.isfinite().all()
            assert answer[body > 0].std() > 0, target


@pytest.mark.parametrize("name", NAMES)
def test_it_exports_for_any_number_of_samples_of_any_size(name):
    run = load_run(name, accelerator="cpu")
    source, target = run.recipe.modalities[:2]
    assert exported_program(*fixed_network(run, [source], target, 16))[1] == FREEDOMS[0]
