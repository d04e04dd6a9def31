"""A segmenter is a function of its seed, sees only what it is shown, and needs a lesion to learn from."""

import pytest
import torch

from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.lesion_segmentation.slices import slices_of
from anysyn.probes.lesion_segmentation.train import fit_segmenter
from anysyn.progress import Progress

NAMES = ("T1w", "FLAIR")


def slices(lesion=True):
    truth = torch.zeros(1, 10, 10, 6, dtype=torch.bool)
    truth[0, 3:6, 2:5, 2:4] = lesion
    images = torch.rand(2, 10, 10, 6, generator=torch.Generator().manual_seed(0))
    return [slices_of(images, truth, torch.ones(10, 10, 6) > 0, torch.Generator().manual_seed(0))]


def fitted(subjects, shown=NAMES, seed=0):
    device = torch.device("cpu")
    how = {"shown": shown, "steps": 2, "seed": seed, "device": device, "progress": Progress()}
    segmenter = fit_segmenter(subjects, NAMES, ("infarct",), **how)
    return torch.cat([p.detach().flatten() for p in segmenter.network.parameters()])


def test_weights_follow_from_the_seed():
    weights = fitted(slices())
    assert torch.equal(weights, fitted(slices()))
    assert not torch.equal(weights, fitted(slices(), seed=1))


def test_what_is_not_shown_is_not_seen():
    other = slices()
    other[0].images[:, 0] = 7  # a marker in T1w
    assert torch.equal(fitted(slices(), shown=("FLAIR",)), fitted(other, shown=("FLAIR",)))
    assert not torch.equal(fitted(slices(), shown=("T1w",)), fitted(other, shown=("T1w",)))


def test_nothing_is_learned_without_a_lesion():
    with pytest.raises(EvaluationError, match="no training slice shows infarct, so nothing can be learned"):
        fitted(slices(lesion=False))
