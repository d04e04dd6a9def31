"""The network, its masks, and how it is kept."""

import pytest
import torch

from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.lesion_segmentation.unet import Segmenter, network, read_segmenter, write_segmenter

SHOWN, REGIONS = ("T1w", "FLAIR"), ("whole", "core")


@pytest.fixture
def segmenter():
    model = network(2, 2, seed=3)
    with torch.no_grad():  # so that batch norms have seen something
        model.train()(torch.rand(4, 2, 16, 16))
    return Segmenter(model.eval(), SHOWN, REGIONS)


@pytest.fixture
def images():
    return {name: torch.rand(11, 13, 5, generator=torch.Generator().manual_seed(n)) for n, name in enumerate(SHOWN)}


def test_masks_are_where_the_logits_of_each_axial_slice_are_positive(segmenter, images):
    masks = segmenter.masks(images, size=2)
    assert masks.shape == (2, 11, 13, 5)
    for z in range(5):
        whole = torch.zeros(1, 2, 16, 16)
        whole[0, :, :11, :13] = torch.stack([images[name][:, :, z] for name in SHOWN])
        with torch.no_grad():
            logits = segmenter.network(whole)[0, :, :11, :13]
        assert torch.equal(masks[..., z], logits > 0)
    assert 0 < masks.float().mean() < 1


def test_a_modality_that_is_left_out_is_zero(segmenter, images):
    left = {"T1w": images["T1w"]}
    assert torch.equal(segmenter.masks(left), segmenter.masks({**left, "FLAIR": torch.zeros(11, 13, 5)}))
    assert not torch.equal(segmenter.masks(left), segmenter.masks(images))


def test_weights_follow_from_the_seed_and_leave_the_global_generator_alone():
    state = torch.get_rng_state()
    weights = [torch.cat([p.flatten() for p in network(2, 1, seed).parameters()]) for seed in (0, 0, 1)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert torch.equal(torch.get_rng_state(), state)


def test_what_is_kept_outlines_the_same(segmenter, images, tmp_path):
    record = {"steps": 3, "subjects": ["a", "b"]}
    assert read_segmenter(tmp_path, SHOWN, REGIONS, record) is None
    write_segmenter(segmenter, tmp_path, record)
    again = read_segmenter(tmp_path, SHOWN, REGIONS, record)
    assert torch.equal(again.masks(images), segmenter.masks(images))
    assert (tmp_path / "T1w+FLAIR.safetensors").is_file()
    assert read_segmenter(tmp_path, ("T1w",), REGIONS, record) is None


def test_what_was_trained_on_something_else_is_refused(segmenter, tmp_path):
    write_segmenter(segmenter, tmp_path, {"steps": 3, "subjects": ["a"]})
    with pytest.raises(EvaluationError, match=r"trained with another subjects, prepare; .*--segmenter"):
        read_segmenter(tmp_path, SHOWN, REGIONS, {"steps": 3, "subjects": ["b"], "prepare": []})


def test_damage_is_one_line(segmenter, tmp_path):
    write_segmenter(segmenter, tmp_path, {})
    (tmp_path / "T1w+FLAIR.safetensors").write_bytes(b"cut")
    with pytest.raises(EvaluationError, match=r"FLAIR\.safetensors: cannot be read .*; delete it"):
        read_segmenter(tmp_path, SHOWN, REGIONS, {})
