from dataclasses import replace

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from toys import batch_of, decoder_of, encoder_of, query_of, synthesizer

from anysyn.objectives import Contrastive, contrastive
from anysyn.objectives.embedding import embed, groups_of
from anysyn.synthesizer import Synthesizer


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


@pytest.mark.parametrize("name", ["unet", "swin_unetr"])
def test_embeddings_of_normalised_and_unnormalised_features_are_no_rounding_errors(name):
    """The mean over the voxels of instance-normalised features would be zero, and its direction noise."""
    encoder = encoder_of(name, 2)
    model, given = Synthesizer(encoder=encoder, decoder=decoder_of("cnn", encoder)), batch_of((64, 64), 3)
    given.images[1] = given.images[0] + 1e-5 * torch.randn_like(given.images[0])
    given.images[2, :, :32] = 0
    with torch.no_grad():
        one, nearly, other = embed(model, given, 0)[0]
    assert (one - nearly).norm() < 0.05 * (one - other).norm()


def test_the_terms_are_the_formulas_of_equation_3_pair_by_pair():
    model, given = synthesizer(), batch(3)
    given.available[1, 2] = False
    cosines, distances = [], []
    for row in range(3):
        held = given.available[row].nonzero().flatten().tolist()
        found = {m: embed(model, given.take(slice(row, row + 1)), m) for m in held}
        for a in held:
            for b in (b for b in held if b > a):
                cosines.append(found[a][0][0] @ found[b][0][0])
                levels = zip(found[a][1].skips, found[b][1].skips, strict=True)
                errors = [(x - y).square().mean() + (x - y).abs().mean() for x, y in levels]
                distances.append(sum(errors) / len(errors))
    terms = Contrastive(model=model, chunk=2, vector=2.0, feature_map=0.5)(given, query_of())
    torch.testing.assert_close(terms["vector"], -2.0 * torch.stack(cosines).mean())
    torch.testing.assert_close(terms["feature_map"], 0.5 * torch.stack(distances).mean())


def test_a_slice_with_one_modality_alone_is_only_a_negative():
    given = batch(2)
    given.available[:, 1:] = False
    terms = Contrastive(model=synthesizer())(given, query_of())
    assert [term.item() for term in terms.values()] == [0, 0, 0]


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"chunk": 0}])
def test_sizes_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Contrastive(model=synthesizer(), **wrong)


def test_other_ranks_are_negatives_in_training_and_not_in_validation(monkeypatch):
    """Another rank that embedded the same slices under other names makes its copies negatives."""
    monkeypatch.setattr(
        contrastive, "gather", lambda vectors, groups: (torch.cat([vectors, vectors]), torch.cat([groups, ~groups]))
    )
    objective, given = Contrastive(model=synthesizer()), batch()
    with torch.no_grad():
        trained, validated = objective(given, query_of()), objective.eval()(given, query_of())
        monkeypatch.undo()
        alone = objective.train()(given, query_of())
    assert trained["infonce"] > validated["infonce"]
    torch.testing.assert_close(validated, alone)
