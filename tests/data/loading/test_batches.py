from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anysyn.data.loading.batches import MOST, ModalityConsistent, OnePerClass, Shuffled, classes, share
from anysyn.registry import build, names
from anysyn.seeds import seeded

groups = st.lists(st.tuples(st.integers(0, 2), st.tuples(st.booleans(), st.booleans())), min_size=1, max_size=60)


@given(groups, st.integers(1, 7), st.integers(1, 3))
def test_modality_consistent_keeps_the_scheduler_s_promises(found, size, ranks):
    batches = ModalityConsistent(size=size).epoch(found, seeded(0), ranks)
    assert all(len(batch) == size for batch in batches)  # step 2: padded to a multiple of B
    assert all(len({found[i] for i in batch}) == 1 for batch in batches)  # step 1: one group a batch
    seen = Counter(i for batch in batches for i in batch)
    assert set(seen) == set(range(len(found)))  # nobody is left out
    for group, count in Counter(found).items():
        drawn = sum(seen[i] for i, g in enumerate(found) if g == group)
        assert 0 <= drawn - count < size * ranks  # only the duplicates that padding needs


@given(groups, st.integers(1, 4), st.integers(2, 4))
def test_every_rank_sees_one_pattern_at_a_step(found, size, world):
    batches = ModalityConsistent(size=size).epoch(found, seeded(1), world)
    for step in zip(*(share(batches, rank, world) for rank in range(world)), strict=True):
        assert len({found[i] for batch in step for i in batch}) == 1


@given(st.integers(1, 50), st.integers(1, 9))
def test_shuffled_shows_each_sample_once(count, size):
    batches = Shuffled(size=size).epoch(["x"] * count, seeded(0))
    assert sorted(i for batch in batches for i in batch) == list(range(count))
    assert [len(b) for b in batches[:-1]] == [size] * (len(batches) - 1)


@pytest.mark.parametrize("name", names("batches"))
def test_an_epoch_is_a_function_of_its_seed(name):
    sampler = build("batches", {"name": name, "size": 3})
    found = [(i % 2, (True, i % 3 > 0)) for i in range(30)]
    assert sampler.epoch(found, seeded(7)) == sampler.epoch(found, seeded(7)) != sampler.epoch(found, seeded(8))


@given(st.integers(1, 20), st.integers(1, 6))
def test_ranks_get_as_many_batches_and_miss_none(count, world):
    batches = [[i] for i in range(count)]
    shares = [share(batches, rank, world) for rank in range(world)]
    assert len({len(s) for s in shares}) == 1
    assert {b[0] for s in shares for b in s} == set(range(count))


@pytest.mark.parametrize("name", names("batches"))
def test_a_batch_holds_at_least_one(name):
    with pytest.raises(ValueError, match="at least 1"):
        build("batches", {"name": name, "size": 0})


def test_generators_are_independent_of_torch_s_own():
    torch.manual_seed(1)
    first = seeded(3).initial_seed()
    torch.manual_seed(2)
    assert seeded(3).initial_seed() == first


@given(groups, st.integers(1, 9))
def test_one_per_class_has_one_sample_of_each_class(found, size):
    members = classes(found)
    if not members:
        return
    batches = OnePerClass(size=size).epoch(found, seeded(0))
    together = min(size, len(members))
    assert all(len(batch) == together for batch in batches)
    images = sum(map(len, members.values()))
    assert 0 <= len(batches) * together - images < together  # an epoch shows as many images as there are
    if together == len(members):
        for batch in batches:  # for each dataset, as many samples as it has classes, and enough that have each of them
            wanted = Counter(dataset for dataset, _ in members)
            assert Counter(found[i][0] for i in batch) == wanted


def test_an_epoch_shows_all_of_classes_that_are_equally_large():
    found = [(site, (True, True, True)) for site in range(3) for _ in range(7)]
    seen = Counter(i for batch in OnePerClass().epoch(found, seeded(3)) for i in batch)
    assert seen == dict.fromkeys(range(21), 3)  # each subject once for each of its images


def test_validation_keeps_to_one_pattern_unless_the_classes_are_to_be_together():
    found = [(i % 2, (True, i % 3 > 0)) for i in range(30)]
    for batch in Shuffled().validation(found):
        assert len({found[i] for i in batch}) == 1
    together = OnePerClass().validation(found)
    assert together == OnePerClass().validation(found)
    assert all({found[i][0] for i in batch} == {0, 1} for batch in together)
    assert len(OnePerClass(size=1).validation(found * 5)) == MOST


def test_duplicates_partners_and_the_order_of_batches_are_drawn_anew_each_epoch():
    found = [(i % 2, (True,)) for i in range(11)]
    epochs = [ModalityConsistent(size=4).epoch(found, seeded(0, 0, epoch)) for epoch in range(200)]
    shown = [Counter(i for batch in batches for i in batch) for batches in epochs]
    assert {i for counts in shown for i in counts if counts[i] > 1} == set(range(11)), "all are duplicates once"
    partners = {frozenset(batch) for batches in epochs for batch in batches}
    assert len(partners) > 50, "samples meet others from epoch to epoch"
    assert len({tuple(found[batch[0]][0] for batch in batches) for batches in epochs}) == 6  # of 4 batches, 2 of each
