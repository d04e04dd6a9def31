"""Which of many prompts lies nearest, against all draws listed one by one."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from toys import PROMPTED, clip, volume_clip

from anysyn.acquisition import Acquisition
from anysyn.data.views import Slices, Whole
from anysyn.data.volumes.study import Study
from anysyn.probes.prompt_retrieval.ranks import (
    PairedImage,
    boxes_of,
    embed_images,
    rank_prompts,
    share_first,
    summarise_accuracy,
)
from anysyn.training.devices import Hardware
from anysyn.types import ImageTextModel


@given(st.integers(0, 7), st.integers(0, 7), st.integers(1, 5))
def test_the_share_is_that_of_all_draws(beaten, others, candidates):
    beaten = min(beaten, others)
    drawn = min(candidates - 1, others)
    draws = list(combinations(range(others), drawn))  # the first ones are beaten
    wins = sum(all(one < beaten for one in draw) for draw in draws)
    assert share_first(beaten, others, candidates) == pytest.approx(wins / len(draws))


class Angles(ImageTextModel):
    """Embed a text at the angle that its echo time is, and the modalities at angles 0 to 3."""

    descriptions = PROMPTED

    def encode_text(self, texts):
        angles = [Acquisition.from_prompt(t).echo_time_ms if t not in PROMPTED else PROMPTED.index(t) for t in texts]
        return torch.stack([torch.tensor(angles).cos(), torch.tensor(angles).sin()], 1) * 3


def pair(modality, time, angle, subject="a"):
    prompt = Acquisition(modality=modality, echo_time_ms=time).to_prompt()
    return PairedImage(
        subject, "A", modality, prompt, torch.tensor([np.cos(angle), np.sin(angle)], dtype=torch.float32)
    )


def test_ranks_are_those_of_the_cosines():
    pairs = [pair("T1w", 0.1, 0.2), pair("T1w", 0.4, 0.3, "b"), pair("T2w", 2.0, 1.1), pair("T1w", 0.1, 0.9, "c")]
    table = rank_prompts(Angles(), pairs, PROMPTED)
    assert table["found"].tolist() == ["T1w", "T1w", "T1c", "T1c"]  # the nearest of the angles 0 to 3
    assert table["rank"].tolist() == [1, 1, 2, 2]  # of three prompts that differ
    assert table["of_ten"].tolist() == [1.0, 1.0, 0.0, 0.0]
    assert table["nearest"].tolist() == ["T1w", "T1w", "T1w", "T1w"]
    assert Acquisition.from_prompt(table["nearest_prompt"][2]).echo_time_ms == 0.4


def test_a_tie_is_no_victory():
    class Blind(Angles):
        def encode_text(self, texts):
            return torch.ones(len(texts), 2)

    table = rank_prompts(Blind(), [pair("T1w", 1.0, 0.5), pair("T2w", 2.0, 0.5)], PROMPTED)
    assert table["of_ten"].tolist() == [0.0, 0.0]


def test_accuracies_are_means_over_the_images_of_each_part():
    images = pd.DataFrame(
        {
            "dataset": ["A", "A", "B"],
            "modality": ["T1w", "T2w", "T1w"],
            "found": ["T1w", "T1w", "T1w"],
            "of_ten": [1.0, 0.25, 0.5],
            "prompt": ["x", "y", "z"],
        }
    )
    found = summarise_accuracy(images, 4).set_index(["of", "dataset", "modality"])
    assert found.loc[("text", "all", "all"), "accuracy"] == pytest.approx(1.75 / 3)
    assert found.loc[("modality", "all", "T2w"), "accuracy"] == 0
    assert found.loc[("text", "B", "all"), "accuracy"] == 0.5
    assert set(found["chance"]["text"]) == {1 / 3}
    assert set(found["chance"]["modality"]) == {0.25}


def study():
    image = torch.rand(10, 12, 8, generator=torch.Generator().manual_seed(0)) + 0.1
    known = {"T2w": Acquisition(modality="T2w", echo_time_ms=90.0)}
    images = {"T2w": image, "FLAIR": image.flip(0)}
    return Study("sub-01", "A", images, np.diag([2.0, 2.0, 3.0, 1.0]), image > 0, known)


def embedded(model, view):
    hardware = Hardware()
    return embed_images(model.eval(), study(), view=view, modalities=PROMPTED, hardware=hardware, size=3)


def test_a_volume_is_seen_as_in_training():
    model, view = volume_clip(), Whole(size=(8, 8, 8))
    first, second = embedded(model, view)
    assert (first.modality, second.modality) == ("T2w", "FLAIR")
    assert first.prompt == Acquisition(modality="T2w", echo_time_ms=90.0, voxel_size_mm=(2.0, 2.0, 3.0)).to_prompt()
    with torch.no_grad():
        want = model.encode_image(study().images["T2w"][1:9, 2:10][None, None])[0]
    torch.testing.assert_close(first.embedding, want / want.norm())
    assert boxes_of(study(), view)[0].size == (8, 8, 8)


def test_a_model_of_slices_gives_a_volume_the_mean_of_its_slices():
    model = clip()
    first, _ = embedded(model, Slices())
    planes = study().images["T2w"].permute(2, 0, 1).unsqueeze(1)  # (Z, 1, X, Y)
    with torch.no_grad():
        vectors = torch.nn.functional.normalize(model.encode_image(planes), dim=1)
    want = vectors.mean(0)
    torch.testing.assert_close(first.embedding, want / want.norm())
