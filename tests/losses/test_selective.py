"""Selective supervision, Eqs. 6 to 9 of PMM-Synth, against loops over what exists."""

import pytest
import torch
from partial_batches import ASKED, AVAILABLE, SHOWN, partial, partial_outcome
from toys import M, discriminator_of, synthesizer

from anysyn.losses import Adversarial, ReconstructionL1, SynthesisL1
from anysyn.losses.selective import selective_sum
from anysyn.objectives import Discrimination, SynthesisObjective
from anysyn.types import Batch, Discriminator, Query

SHAPE = (16, 24)


class Recorder(Discriminator):
    """Score an image by its mean, and remember which modalities were asked about."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, images, modalities):
        self.seen.append(modalities.tolist())
        return images.flatten(2).mean(2, keepdim=True) + modalities.reshape(-1, 1, 1)


def outcome():
    return partial_outcome(SHAPE)


def by_hand(term):
    """Sum over the modalities and average over the samples, as the equations are written."""
    found, total = outcome(), 0.0
    for b in range(2):
        condition = [m in SHOWN[b].tolist() for m in range(M)]
        for k, m in enumerate(ASKED[b].tolist()):
            sc, exists = int(condition[m]), bool(AVAILABLE[b, m])
            if exists:
                total += term(sc, found.prediction[b, k], found.batch.images[b, m], m)
    return total / 2


def l1(prediction, truth):
    return (prediction - truth).abs().mean()


def test_the_terms_are_those_of_the_equations():
    judge = Recorder()
    synthesis = by_hand(lambda sc, y, truth, m: (1 - sc) * l1(y, truth))
    reconstruction = by_hand(lambda sc, y, truth, m: sc * l1(y, truth))
    adversarial = by_hand(lambda sc, y, truth, m: (1 - sc) * (y.mean() + m - 1) ** 2)
    torch.testing.assert_close(SynthesisL1()(outcome()), synthesis)
    torch.testing.assert_close(ReconstructionL1()(outcome()), reconstruction)
    torch.testing.assert_close(Adversarial(discriminator=judge)(outcome()), adversarial)
    assert sorted(judge.seen[0]) == [0, 3, 3], "only what is synthesized and has a truth is judged"


@pytest.mark.parametrize("loss", [SynthesisL1(), ReconstructionL1(), Adversarial(discriminator=discriminator_of())])
def test_a_marker_where_truth_is_absent_is_never_read(loss):
    found = outcome()
    value = loss(found)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(found.prediction.grad).all()
    assert not found.prediction.grad[~found.mask].any()


@pytest.mark.parametrize("kind", [SynthesisL1, ReconstructionL1])
def test_gradients_agree_with_differences(kind):
    found, loss = outcome(), kind()
    images = found.prediction.detach().double()[:, :, :2, :2].requires_grad_()
    truth = found.truth.double()[:, :, :2, :2]
    assert torch.autograd.gradcheck(lambda x: loss(found._replace(prediction=x, truth=truth)), images)


def test_the_gradient_of_the_adversarial_term_agrees_with_differences():
    judge, found = discriminator_of().double(), outcome()
    images = found.prediction.detach().double()[:, :, :6, :6].requires_grad_()
    loss = Adversarial(discriminator=judge)
    assert torch.autograd.gradcheck(lambda x: loss(found._replace(prediction=x)), images, fast_mode=True)


def test_a_mean_over_samples_is_that_of_equal_shares_of_them():
    errors, mask = torch.rand(5), torch.tensor([[1, 1], [1, 0], [1, 0], [1, 0]], dtype=torch.bool)
    halves = [selective_sum(errors[:3], mask[:2]), selective_sum(errors[3:], mask[2:])]
    torch.testing.assert_close(sum(halves) / 2, selective_sum(errors, mask))


def test_the_discriminator_s_loss_is_equation_9_and_reads_no_marker():
    model, judge = synthesizer(), Recorder()
    batch, query = partial(SHAPE), Query(SHOWN, ASKED)
    terms = Discrimination(model=model, discriminator=judge)(batch, query)
    fake = real = 0.0
    answer = model(batch, query).images.detach()
    for b in range(2):
        for k, m in enumerate(ASKED[b].tolist()):
            if AVAILABLE[b, m] and m not in SHOWN[b]:
                fake += (answer[b, k].mean() + m) ** 2 / 2
                real += (batch.images[b, m].mean() + m - 1) ** 2 / 2
    torch.testing.assert_close(terms["fake"], fake)
    torch.testing.assert_close(terms["real"], real)
    assert [sorted(seen) for seen in judge.seen] == [[0, 3, 3]] * 2


def test_the_discriminator_teaches_the_generator_nothing_and_the_other_way_round():
    model, judge = synthesizer(), discriminator_of()
    batch, query = partial(SHAPE), Query(SHOWN, ASKED)
    sum(Discrimination(model=model, discriminator=judge)(batch, query).values()).backward()
    assert all(p.grad is None for p in model.parameters())
    assert all(p.grad is None for name in ("T1c", "T2w") for p in judge.discriminators[name].parameters())


def test_where_nothing_is_synthesized_nothing_is_judged():
    batch, query = partial(SHAPE, marker=0.0), Query(torch.tensor([[0], [0]]), torch.tensor([[0], [0]]))
    terms = Discrimination(model=synthesizer(), discriminator=discriminator_of())(batch, query)
    assert [float(term) for term in terms.values()] == [0.0, 0.0]
    assert not any(term.requires_grad for term in terms.values())


def test_what_nobody_has_a_truth_of_is_not_asked_for():
    batch, asked = partial(SHAPE), []
    batch = Batch(batch.images[:1], AVAILABLE[:1], batch.dataset[:1], batch.spacing[:1])
    model = synthesizer()
    model.decoder.register_forward_pre_hook(lambda _, inputs: asked.append(int(inputs[1][0, 0])))
    terms = SynthesisObjective(model=model, losses=[SynthesisL1(), ReconstructionL1()])(
        batch, Query(SHOWN[:1], ASKED[:1])
    )
    assert asked == [3, 0, 1]
    assert all(torch.isfinite(term) for term in terms.values())
