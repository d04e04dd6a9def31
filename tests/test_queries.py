from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anysyn.acquisition import Acquisition
from anysyn.data.batches import OnePerClass, classes
from anysyn.queries import ManyToAll, ManyToOne, OneToOne, Reconstruct
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
    return Batch(images, mask, torch.zeros(len(mask), dtype=torch.long), torch.ones(len(mask), 2), records)


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
        batch = replace(batch, dataset=torch.tensor([found[i][0] for i in indices]))
        query = Reconstruct(names=NAMES).draw(batch, seeded(seed))
        assert batch.available.gather(1, query.sources).all()
        shown = set(zip(batch.dataset.tolist(), query.sources.flatten().tolist(), strict=True))
        assert len(shown) == min(size, len(members)), "no class is there twice"
