"""Modalities recognized by an image-text model, against formulas written out."""

import math

import numpy as np
import pytest
import torch

from anysyn.data.views import Slabs, Slices
from anysyn.data.volumes.study import Study
from anysyn.probes.modality_accuracy.predictions import classify_descriptions, classify_slices, compare_images
from anysyn.training.devices import Hardware
from anysyn.types import ImageTextModel

NAMES = ("T1w", "T2w")
SCALE = 5.0


class Brightness(ImageTextModel):
    """Embed a slice at an angle that is its mean intensity; the descriptions stand at angles 0 and 1."""

    descriptions = ("dark", "bright")

    def encode_image(self, images):
        angles = images.mean((1, 2, 3))
        return 3 * torch.stack([angles.cos(), angles.sin(), 0 * angles], 1)

    def encode_text(self, texts):
        return torch.tensor([[9.0, 0.0, 0.0], [0.0, 1.0, 2.0]])  # the second is taken for a third class

    def modality_embeddings(self):
        return torch.tensor([[2.0, 0.0, 0.0], [math.cos(1), math.sin(1), 0.0]])

    def scale(self):
        return torch.tensor(SCALE)


def test_texts_are_classified_by_the_largest_number_of_their_embedding():
    rows = classify_descriptions(Brightness(), NAMES)
    assert rows["found"].tolist() == ["T1w", ""]
    assert rows["probability of T2w"][1] == pytest.approx(math.e / (1 + math.e + math.e**2))


def test_probabilities_and_losses_of_an_image():
    columns = compare_images(Brightness(), torch.full((1, 1, 4, 4), 0.3), NAMES)
    right, wrong = math.cos(0.3), math.cos(0.7)
    assert columns["loss given T1w"] == pytest.approx([1 - right])
    assert columns["loss given T2w"] == pytest.approx([1 - wrong], abs=1e-6)
    wanted = math.exp(SCALE * right) / (math.exp(SCALE * right) + math.exp(SCALE * wrong))
    assert columns["probability of T1w"] == pytest.approx([wanted])


@pytest.mark.parametrize("view", [Slices(), Slabs(thickness=3)])
def test_every_slice_of_every_modality_is_a_row(view):
    images = {"T1w": torch.full((8, 8, 6), 0.2), "T2w": torch.full((8, 8, 6), 0.9)}
    images["T2w"][:, :, 0] = 0.1
    study = Study("sub-01", "A", images, np.eye(4), images["T1w"] > 0)
    hardware = Hardware()
    rows = classify_slices(Brightness(), study, view=view, modalities=NAMES, hardware=hardware, size=4)
    assert rows["modality"].tolist() == ["T1w"] * 6 + ["T2w"] * 6
    assert rows["found"].tolist() == ["T1w"] * 7 + ["T2w"] * 5
    assert rows["slice"].tolist() == [*range(6)] * 2
    only = Study("sub-02", "A", {"T2w": images["T2w"]}, np.eye(4), images["T1w"] > 0)
    assert set(
        classify_slices(Brightness(), only, view=view, modalities=NAMES, hardware=hardware, size=4)["modality"]
    ) == {"T2w"}
