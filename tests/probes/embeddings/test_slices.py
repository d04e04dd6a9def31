"""Embeddings of a study, and their principal components."""

import numpy as np
import pytest
import torch
from toys import synthesizer

from anysyn.data.views import Patches, Slices
from anysyn.data.volumes.study import Study
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.embeddings.slices import embed_study, project
from anysyn.training.devices import Hardware
from anysyn.types import Batch, Query

NAMES = ("T1w", "T1c", "T2w", "FLAIR")  # as many as the toys have


def study_of(*held, shape=(16, 24, 6)):
    generator = torch.Generator().manual_seed(1)
    images = {name: torch.rand(shape, generator=generator) for name in held}
    return Study("sub-01", "A", images, np.eye(4), torch.ones(shape, dtype=torch.bool))


def embedded(study, view, size, dimensions):
    hardware, model = Hardware(), synthesizer(dimensions).eval()
    return embed_study(model, study, view=view, modalities=NAMES, hardware=hardware, size=size)


def test_each_modality_is_encoded_alone_and_averaged_over_voxels():
    study = study_of("T1w", "T2w")
    found = embedded(study, Slices(), 4, 2)
    model = synthesizer(2).eval()
    for number, name in ((0, "T1w"), (2, "T2w")):
        images = torch.zeros(1, 4, 16, 24)
        images[0, number] = study.images[name][:, :, 5]
        batch = Batch.complete(images)
        asked = torch.tensor([[number]])
        with torch.no_grad():
            mean = model(batch, Query(asked, asked)).features.deep.mean((2, 3))[0]
        torch.testing.assert_close(found[5, number], mean / mean.norm(), rtol=1e-4, atol=1e-5)
    assert found.shape[:2] == (6, 4)


def test_what_is_absent_is_zero_and_the_batch_size_does_not_matter():
    study = study_of("T1w", "T2w")
    found = embedded(study, Slices(), 6, 2)
    assert not found[:, [1, 3]].any()
    torch.testing.assert_close(found.norm(dim=2)[:, [0, 2]], torch.ones(6, 2))
    torch.testing.assert_close(embedded(study, Slices(), 1, 2), found, rtol=1e-4, atol=1e-5)


def test_blocks_are_embedded_like_slices():
    study = study_of("T1w", shape=(16, 16, 8))
    assert embedded(study, Patches(size=(8, 16, 8)), 2, 3).shape[:2] == (2, 4)


def test_principal_components_are_those_of_the_singular_values():
    values = torch.randn(30, 6, generator=torch.Generator().manual_seed(0)) * torch.tensor([5, 3, 1, 1, 1, 1])
    points, shares = project(values)
    centred = values.double() - values.double().mean(0)
    left, singular, _ = np.linalg.svd(centred.numpy(), full_matrices=False)
    np.testing.assert_allclose(np.abs(points.numpy()), np.abs(left[:, :2] * singular[:2]), atol=1e-9)
    assert shares == pytest.approx(tuple(singular[:2] ** 2 / (singular**2).sum()))


@pytest.mark.parametrize("count", [1, 5])
def test_embeddings_that_are_all_alike_have_no_components(count):
    with pytest.raises(EvaluationError, match=f"{count} embeddings, all alike"):
        project(torch.ones(count, 4))
