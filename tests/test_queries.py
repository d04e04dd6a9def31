from collections import Counter
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from toys import one_hot

from anysyn.acquisition import Acquisition
from anysyn.data.loading.batches import OnePerClass, classes
from anysyn.errors import RecipeError
from anysyn.queries import ManyToAll, ManyToOne, OneToOne, Reconstruct, SynthesisCondition
from anysyn.registry import build, names
from anysyn.seeds import seeded
from anysyn.types import Batch

NAMES = ("T1w", "T1c", "T2w", "FLAIR")


def batch_of(available):
    mask = torch.tensor(available, dtype=torch.bool)
    records = tuple(
        tuple(Acquisition(modality=n) if has else None for n, has in zip(NAMES, row, strict=True)) for row in mask
    )
    images = torch.rand(*mask.shape, 4, 4)
    return Batch(images, mask, torch.ones(len(mask), 1), torch.ones(len(mask), 2), records)


FULL = batch_of([[1, 1, 1, 1]] * 64)
PARTIAL = batch_of([[1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 1]] * 20)


@pytest.mark.parametrize("name", ["one_to_one", "many_to_one"])
@pytest.mark.parametrize("batch", [FULL, PARTIAL])
def test_only_what_is_available_is_shown_and_asked(name, batch):
    for seed in range(10):
        query = build("queries", {"name": name}, names=NAMES).draw(batch, seeded(seed))
        assert batch.available.gather(1, query.sources).all()
        assert batch.available.gather(1, query.targets).all()
        assert not (query.sources == query.targets).any()


@pytest.mark.parametrize("name", names("queries"))
def test_a_query_is_a_function_of_the_generator(name):
    queries = build("queries", {"name": name}, names=NAMES)
    first, again, other = (queries.draw(FULL, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.sources, again.sources)
    assert torch.equal(first.targets, again.targets)
    assert first.sources.shape != other.sources.shape or not torch.equal(first.sources, other.sources)


def test_one_to_one_reaches_every_pair():
    query = OneToOne(names=NAMES).draw(batch_of([[1, 1, 1, 1]] * 2000), seeded(0))
    pairs = set(zip(query.sources[:, 0].tolist(), query.targets[:, 0].tolist(), strict=True))
    assert len(pairs) == 12


def test_many_to_one_draws_every_count_up_to_the_most():
    counts = {ManyToOne(names=NAMES, most=2).draw(FULL, seeded(s)).sources.shape[1] for s in range(30)}
    assert counts == {1, 2}


def test_the_count_is_what_the_poorest_sample_has():
    poor = batch_of([[1, 1, 1, 1], [1, 1, 0, 0]])
    assert {ManyToOne(names=NAMES).draw(poor, seeded(s)).sources.shape[1] for s in range(20)} == {1}


def test_many_to_all_asks_for_everything():
    query = ManyToAll(names=NAMES).draw(PARTIAL, seeded(0))
    assert query.targets.tolist() == [[0, 1, 2, 3]] * 60
    assert PARTIAL.available.gather(1, query.sources).all()


def test_sources_and_targets_can_be_restricted():
    query = OneToOne(names=NAMES, sources=["T2w"], targets=["T1w", "T2w"]).draw(FULL, seeded(0))
    asked = query.targets[:, 0] == 0
    assert (query.sources[asked] == 2).all()


def test_an_unknown_modality_gives_the_nearest_match():
    with pytest.raises(ValueError, match=r"queries.sources: 'T2' is unknown; did you mean 'T2w'\?"):
        OneToOne(names=NAMES, sources=["T2"])


def test_a_query_carries_the_acquisitions_of_the_batch():
    query = OneToOne(names=NAMES).draw(FULL, seeded(0))
    assert [row[0].modality for row in query.target_acquisitions] == [NAMES[t] for t in query.targets[:, 0].tolist()]


def test_reconstruct_asks_for_what_it_shows():
    query = Reconstruct(names=NAMES).draw(PARTIAL, seeded(0))
    assert torch.equal(query.sources, query.targets)
    assert PARTIAL.available.gather(1, query.sources).all()
    assert query.source_acquisitions == query.target_acquisitions
    assert [row[0].modality for row in query.source_acquisitions] == [NAMES[m] for m in query.sources.flatten()]


def test_reconstruct_draws_every_modality_as_often():
    drawn = [Reconstruct(names=NAMES).draw(FULL, seeded(seed)).sources.flatten() for seed in range(20)]
    assert all(torch.bincount(one, minlength=4).tolist() == [16] * 4 for one in drawn)
    assert len({tuple(one.tolist()) for one in drawn}) == 20
    only = Reconstruct(names=NAMES, sources=["T2w"]).draw(FULL, seeded(0))
    assert set(only.sources.flatten().tolist()) == {2}


patterns = st.tuples(st.integers(0, 3), st.tuples(*[st.booleans()] * 4))


@given(st.lists(patterns, min_size=1, max_size=20), st.integers(1, 12), st.integers(0, 9))
def test_one_per_class_and_reconstruct_show_every_class_once(found, size, seed):
    members = classes(found)
    if not members:
        return
    for indices in OnePerClass(size=size).epoch(found, seeded(seed))[:3]:
        batch = batch_of([found[i][1] for i in indices])
        batch = replace(batch, dataset=one_hot(*[found[i][0] for i in indices]))
        query = Reconstruct(names=NAMES).draw(batch, seeded(seed))
        assert batch.available.gather(1, query.sources).all()
        shown = set(zip(batch.dataset.argmax(1).tolist(), query.sources.flatten().tolist(), strict=True))
        assert len(shown) == min(size, len(members)), "no class is there twice"


def test_a_synthesis_condition_shows_part_of_what_is_there_and_asks_for_all_of_it():
    for seed in range(30):
        query = SynthesisCondition(names=NAMES).draw(PARTIAL, seeded(seed))
        assert PARTIAL.available.gather(1, query.sources).all()  # sc = 0 where m = 0
        assert (query.targets.sort().values == torch.arange(4)).all()
        some = PARTIAL.available & ~torch.zeros(60, 4, dtype=torch.bool).scatter(1, query.sources, True)
        assert some.any(1).all(), "something is left to synthesize"
        for pattern in PARTIAL.available.unique(dim=0):
            rows = (PARTIAL.available == pattern).all(1)
            assert len(query.sources[rows].unique(dim=0)) == 1, "samples of one pattern share the condition"


def test_what_nobody_has_is_not_asked_for_and_what_nobody_shows_comes_first():
    poor = batch_of([[1, 0, 1, 1]] * 3)
    for seed in range(20):
        query = SynthesisCondition(names=NAMES).draw(poor, seeded(seed))
        assert sorted(query.targets[0].tolist()) == [0, 2, 3]
        shown = [target in query.sources[0].tolist() for target in query.targets[0].tolist()]
        assert shown == sorted(shown)


def test_every_condition_is_drawn_each_number_of_sources_as_often():
    one = batch_of([[1, 1, 1, 1]])
    drawn = Counter(
        tuple(SynthesisCondition(names=NAMES).draw(one, seeded(seed)).sources[0].tolist()) for seed in range(1500)
    )
    assert len(drawn) == 14
    per_number = Counter({n: sum(count for key, count in drawn.items() if len(key) == n) for n in (1, 2, 3)})
    assert all(440 < count < 560 for count in per_number.values())


def test_a_condition_within_what_may_be_shown():
    query = SynthesisCondition(names=NAMES, sources=["T2w"], targets=["T1w"]).draw(FULL, seeded(0))
    assert query.sources.unique().tolist() == [2]
    assert query.targets.unique().tolist() == [0]


def test_a_curriculum_shows_at_least_so_many():
    one, poor = batch_of([[1, 1, 1, 1]]), batch_of([[1, 0, 1, 0]])
    drawn = [SynthesisCondition(names=NAMES, least=2).draw(one, seeded(seed)).sources.shape[1] for seed in range(60)]
    assert set(drawn) == {2, 3}
    assert SynthesisCondition(names=NAMES, least=3).draw(poor, seeded(0)).sources.shape[1] == 1
    with pytest.raises(RecipeError, match="show at least 1"):
        SynthesisCondition(names=NAMES, least=0)


def test_what_all_samples_show_need_not_be_asked_for():
    for seed in range(20):
        query = SynthesisCondition(names=NAMES, reconstruct=False).draw(batch_of([[1, 0, 1, 1]] * 2), seeded(seed))
        assert sorted(query.sources[0].tolist() + query.targets[0].tolist()) == [0, 2, 3]
        assert torch.equal(query.targets[0], query.targets[1])
    alone = SynthesisCondition(names=NAMES, reconstruct=False).draw(batch_of([[0, 1, 0, 0]]), seeded(0))
    assert (alone.sources.tolist(), alone.targets.tolist()) == ([[1]], [[1]])
