from dataclasses import replace

import pytest
import torch
import torch.multiprocessing as mp
from torch.autograd.graph import saved_tensors_hooks
from toys import batch_of, query_of, synthesizer

from anysyn.objectives import Contrastive
from anysyn.objectives.embedding import embed, groups_of


def batch(samples=6):
    return replace(batch_of((16, 16), samples), keys=tuple(f"sub {n}" for n in range(samples)))


def gradients(objective, given):
    objective.zero_grad()
    torch.stack(list(objective(given, query_of()).values())).sum().backward()
    return [p.grad.clone() for p in objective.model.encoder.parameters()]


def test_chunks_change_nothing_but_the_memory():
    model, given = synthesizer(), batch()
    whole = gradients(Contrastive(model=model, chunk=6), given)
    for chunk in (1, 4):
        for a, b in zip(gradients(Contrastive(model=model, chunk=chunk), given), whole, strict=True):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-3)


def kept(samples):
    """Count what is kept for the backward pass, beyond the batch itself."""
    sizes, given = [], batch(samples)
    with saved_tensors_hooks(lambda x: sizes.append(x.numel()) or x, lambda x: x):
        terms = Contrastive(model=synthesizer(), chunk=2)(given, query_of())
    assert all(term.requires_grad for term in terms.values())
    return sum(sizes)


def test_memory_does_not_grow_with_the_negatives_but_by_their_embeddings():
    activations = 3 * 4 * 8 * 16 * 16  # of one sample: at least three maps of eight channels for each modality
    assert (kept(16) - kept(8)) / 8 < activations / 4


def test_gradients_reach_the_whole_encoder_and_nothing_else():
    model = synthesizer()
    terms = Contrastive(model=model)(batch(), query_of())
    torch.stack(list(terms.values())).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.encoder.parameters())
    assert all(p.grad is None for p in (*model.decoder.parameters(), *model.conditioners.parameters()))


def test_what_is_absent_is_not_compared():
    model, given = synthesizer(), batch()
    given.available[0, 1] = given.available[3, 2:] = False
    expected = Contrastive(model=model, chunk=3)(given, query_of())
    spoilt = replace(given, images=given.images.clone())
    spoilt.images[0, 1] = spoilt.images[3, 2:] = 9.0
    for a, b in zip(expected.values(), Contrastive(model=model, chunk=3)(spoilt, query_of()).values(), strict=True):
        torch.testing.assert_close(a, b)


def test_a_repeated_sample_is_a_positive():
    twice = replace(batch(2), keys=("a", "a"))
    assert groups_of(twice).unique().numel() == 1
    assert groups_of(batch(2)).unique().numel() == 2


def test_an_embedding_has_length_one_and_reads_one_modality():
    model, given = synthesizer(), batch(2)
    vectors = embed(model, given, 2)[0]
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    given.images[:, [0, 1, 3]] = 7.0
    torch.testing.assert_close(embed(model, given, 2)[0], vectors)


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"chunk": 0}])
def test_sizes_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Contrastive(model=synthesizer(), **wrong)


def rank(number, folder):
    """Do on one of two ranks what training does: own samples, then the average of the gradients."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=number, world_size=2)
    mine = batch().take(slice(0, 2) if number == 0 else slice(2, 6))
    found = gradients(Contrastive(model=synthesizer(), feature_map=0.0), mine)
    for one in found:
        torch.distributed.all_reduce(one)
    if number == 0:
        torch.save([one / 2 for one in found], folder / "gradients")
    torch.distributed.destroy_process_group()


def test_two_ranks_step_as_one_large_batch(tmp_path):
    mp.spawn(rank, args=(tmp_path,), nprocs=2)
    expected = gradients(Contrastive(model=synthesizer(), feature_map=0.0), batch())
    for a, b in zip(torch.load(tmp_path / "gradients"), expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-3)
