"""MM-GAN's implicit conditioning: what exists is pasted over the answers, and each modality has a label of its own."""

import torch
from partial_batches import ASKED, AVAILABLE, MADE, SHOWN, partial_outcome
from toys import M

from anysyn.losses import CanvasAdversarial
from anysyn.losses.canvas import completed
from anysyn.objectives import CanvasDiscrimination
from anysyn.synthesizer import Synthesizer
from anysyn.types import Features, Query, SetDiscriminator, Synthesis


class Mean(SetDiscriminator):
    """Score each modality by its mean."""

    def forward(self, canvas, real):
        return canvas.flatten(2).mean(2, keepdim=True)


class Answers(Synthesizer):
    """Answer what it was given, computed anew."""

    def __init__(self, images):
        torch.nn.Module.__init__(self)
        self.images = images

    def forward(self, batch, query, places=None):
        return Synthesis(1 * self.images, Features((), self.images))


def outcome():
    return partial_outcome((6, 5))


def by_hand(found):
    canvas = torch.zeros(2, M, 6, 5)
    for b in range(2):
        for m in range(M):
            if MADE[b, m]:
                canvas[b, m] = found.prediction[b, ASKED[b].tolist().index(m)]
            elif AVAILABLE[b, m]:
                canvas[b, m] = found.batch.images[b, m]
    return canvas


def test_what_exists_is_pasted_over_the_answers():
    found = outcome()
    canvas, real, made = completed(found)
    assert torch.equal(made, MADE)
    assert torch.equal(canvas, by_hand(found))
    assert torch.equal(real, found.batch.images.nan_to_num(0))


def test_the_generator_wants_every_modality_that_exists_to_look_real():
    found = outcome()
    loss = CanvasAdversarial(discriminator=Mean())(found)
    scores = by_hand(found).mean((2, 3))[AVAILABLE]
    torch.testing.assert_close(loss, (scores - 1).square().mean())
    loss.backward()
    reached = found.prediction.grad.abs().sum((2, 3)) > 0
    assert reached.tolist() == [[bool(MADE[b, m]) for m in ASKED[b]] for b in range(2)], "pasted answers teach nothing"


def test_the_discriminator_learns_which_of_the_canvas_was_synthesized():
    found = outcome()
    terms = CanvasDiscrimination(model=Answers(found.prediction), discriminator=Mean())(found.batch, found.query)
    scores, wanted = by_hand(found).mean((2, 3)), (~MADE).float()
    torch.testing.assert_close(terms["fake"], (scores - wanted)[AVAILABLE].square().mean())
    scores = found.batch.images.nan_to_num(0).mean((2, 3))
    torch.testing.assert_close(terms["real"], (scores - 1)[AVAILABLE].square().mean())
    assert not terms["fake"].requires_grad, "the generator is not trained by the discriminator's step"


def test_where_nothing_was_synthesized_both_are_zero():
    found = outcome()
    same = found._replace(
        query=Query(SHOWN, SHOWN[:, :1]), prediction=found.prediction[:, :1], mask=torch.ones(2, 1) > 0
    )
    assert CanvasAdversarial(discriminator=Mean())(same) == 0
    terms = CanvasDiscrimination(model=None, discriminator=Mean())(found.batch, Query(SHOWN, SHOWN[:, :1]))
    assert set(terms) == {"fake", "real"}
    assert sum(terms.values()) == 0
