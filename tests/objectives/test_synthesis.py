"""Synthesis one way and both ways, against images and against points."""

from dataclasses import replace

import pytest
import torch
from toys import M, batch_of, clip, query_of, synthesizer
from trained import write_tiny

from anysyn.acquisition import Acquisition
from anysyn.build import load
from anysyn.errors import RecipeError
from anysyn.losses import L1, MSE, Semantic
from anysyn.objectives import SynthesisObjective, TwoWay
from anysyn.ops import pick
from anysyn.points import Points, lattice
from anysyn.types import Loss


def pointed(shape=(16, 24), points=30, seed=1):
    generator = torch.Generator().manual_seed(seed)
    at = torch.rand(2, points, len(shape), generator=generator) * 2 - 1
    batch = batch_of(shape)
    values = torch.rand(2, M, points, generator=generator)
    return replace(batch, points=Points(at, torch.full((2, len(shape)), 0.5)), values=values)


class Seen(Loss):
    """Remember the outcomes, and return the number of the call."""

    def forward(self, outcome):
        self.outcomes = [*getattr(self, "outcomes", []), outcome]
        return outcome.prediction.sum() * 0 + len(self.outcomes)


def test_the_truth_at_points_is_what_the_answer_there_is_compared_with():
    model, batch, query = synthesizer(), pointed(), query_of()
    terms = SynthesisObjective(model=model, losses=[L1(weight=2.0), MSE()])(batch, query)
    answer = model(batch, query, batch.points).images
    assert answer.shape == (2, 1, 30)
    torch.testing.assert_close(terms["l1"], 2 * (answer - batch.values[:, 2:3]).abs().mean())
    torch.testing.assert_close(terms["mse"], (answer - batch.values[:, 2:3]).square().mean())


def test_points_that_are_the_voxels_give_the_terms_of_the_images():
    model, plain, query = synthesizer(), batch_of((16, 24)), query_of()
    batch = replace(plain, points=lattice((16, 24)).points(2), values=plain.images.flatten(2))
    for kind in (SynthesisObjective, TwoWay):
        objective = kind(model=model, losses=[L1()])
        torch.testing.assert_close(objective(batch, query)["l1"], objective(plain, query)["l1"], atol=1e-5, rtol=1e-5)


def test_both_ways_are_the_mean_of_each():
    model, query = synthesizer(at=("decoder/in",)), query_of()
    for batch in (batch_of((16, 24)), pointed()):
        ways = [SynthesisObjective(model=model, losses=[L1(weight=3.0)])(batch, q) for q in (query, query.reversed())]
        both = TwoWay(model=model, losses=[L1(weight=3.0)])(batch, query)
        torch.testing.assert_close(both["l1"], (ways[0]["l1"] + ways[1]["l1"]) / 2)


def test_each_way_knows_the_other():
    loss = Seen()
    terms = TwoWay(model=synthesizer(), losses=[loss])(batch_of((16, 24)), query_of())
    there, back = loss.outcomes
    assert terms["seen"].item() == 1.5
    assert there.query.targets.tolist() == back.query.sources.tolist() == [[2], [2]]
    assert back.query.targets.tolist() == [[0], [0]]
    assert there.reverse.features is back.features
    assert back.reverse.features is there.features
    assert not torch.equal(there.features.deep, back.features.deep)


def test_a_pair_counts_where_both_exist():
    batch, loss = batch_of((16, 24)), Seen()
    batch.available[0, 0] = False
    batch.available[1, 2] = True
    TwoWay(model=synthesizer(), losses=[loss])(batch, query_of())
    assert [outcome.mask.tolist() for outcome in loss.outcomes] == [[[False], [True]]] * 2
    batch.images[0] = float("nan")
    assert torch.isfinite(TwoWay(model=synthesizer(), losses=[L1()])(batch, query_of())["l1"])


def test_each_way_is_shown_the_coarse_voxels_and_asked_for_the_fine_ones():
    def records(size):
        return tuple(tuple(Acquisition(modality=str(m), voxel_size_mm=(size,) * 3) for m in range(M)) for _ in range(2))

    batch, loss = replace(pointed(), acquisitions=records(2.0), value_acquisitions=records(1.0)), Seen()
    query = batch.ask(torch.tensor([[0], [1]]), torch.tensor([[2], [3]]))
    TwoWay(model=synthesizer(), losses=[loss])(batch, query)
    for outcome in loss.outcomes:
        assert [row[0].voxel_size_mm[0] for row in outcome.query.source_acquisitions] == [2.0, 2.0]
        assert [row[0].voxel_size_mm[0] for row in outcome.query.target_acquisitions] == [1.0, 1.0]
    assert loss.outcomes[1].query.target_acquisitions[1][0].modality == "1"
    plain = replace(batch, points=None, values=None, value_acquisitions=())
    way, back = plain.ask(query.sources, query.targets), plain.ask(query.targets, query.sources)
    assert way.reversed().source_acquisitions == back.source_acquisitions
    assert way.reversed().target_acquisitions == back.target_acquisitions


@pytest.mark.parametrize("kind", [SynthesisObjective, TwoWay])
def test_a_loss_of_whole_images_is_refused_at_points(kind):
    objective = kind(model=synthesizer(), losses=[L1(), Semantic(clip=clip())])
    assert objective(batch_of((16, 24)), query_of())
    with pytest.raises(RecipeError, match=r"'semantic' looks at whole images.*slices, slabs or patches"):
        objective(pointed(), query_of())


def test_the_recipe_is_refused_before_any_data_is_read(tmp_path):
    def change(tree):
        tree["parts"]["clip"] = {"name": "clip_from_scratch", "side": 16, "width": 16, "layers": 1, "heads": 2}
        tree["stages"][0]["steps"][0]["objective"]["losses"].append({"name": "semantic", "clip": "@clip"})

    path = write_tiny(tmp_path, change)
    assert load(path)
    with pytest.raises(RecipeError, match=r"stages\.0\.steps\.0\.objective: loss 'semantic' looks at whole images"):
        load(path, ["data.view={name: scaled_slices, size: [16, 16]}"])


def test_picking_the_truth_keeps_the_points():
    assert pick(pointed().truth, torch.tensor([[1], [2]])).shape == (2, 1, 30)
