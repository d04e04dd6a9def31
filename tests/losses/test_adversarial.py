"""What discriminators are shown beside an image, and both forms of the adversarial losses."""

import pytest
import torch
import torch.nn.functional as F
from toys import M, batch_of, synthesizer

from anysyn.discriminators import PatchGAN, PerModalityDiscriminator
from anysyn.losses import Adversarial
from anysyn.losses.adversarial import judged
from anysyn.objectives import Discrimination, SynthesisObjective
from anysyn.types import Discriminator, Query

QUERY = Query(torch.tensor([[0, 1], [3, 1]]), torch.tensor([[2, 0], [0, 2]]))
MASK = torch.tensor([[True, False], [True, True]])


class Recorder(Discriminator):
    """Remember what was shown, and score it by its first channel."""

    def __init__(self, beside):
        super().__init__()
        self.beside = beside

    def forward(self, images, modalities):
        self.images, self.modalities = images, modalities.tolist()
        return images[:, :1]


@pytest.mark.parametrize("beside", ["nothing", "stack", "canvas"])
def test_each_image_is_shown_beside_the_sources_of_its_own_sample(beside):
    batch, images, judge = batch_of((4, 4)), torch.rand(2, 2, 4, 4), Recorder(beside)
    judged(judge, images, MASK, batch, QUERY)
    assert judge.modalities == [2, 0, 2]
    for shown, (b, k) in zip(judge.images, MASK.nonzero().tolist(), strict=True):
        sources = QUERY.sources[b].tolist()
        own = {
            "nothing": [],
            "stack": [batch.images[b, m] for m in sources],
            "canvas": [batch.images[b, m] * (m in sources) for m in range(M)],
        }[beside]
        assert torch.equal(shown, torch.stack([images[b, k], *own]))


@pytest.mark.parametrize("beside", ["stack", "canvas"])
def test_what_is_not_shown_is_never_read(beside):
    batch, judge = batch_of((4, 4)), Recorder(beside)
    batch.images[:, 2] = float("nan")
    judged(judge, torch.rand(2, 2, 4, 4), MASK, batch, QUERY)
    assert torch.isfinite(judge.images).all()


def test_the_cross_entropy_is_that_of_pix2pix():
    """BCE with logits, 1 for what is real or should be taken for it: `GANLoss` in vanilla mode."""
    batch, query, model = batch_of((16, 16)), Query(torch.tensor([[0]] * 2), torch.tensor([[2]] * 2)), synthesizer()
    judge = Recorder("nothing")
    loss = Adversarial(discriminator=judge, form="cross_entropy")
    outcome = SynthesisObjective(model=model, losses=[loss]).outcome(batch, query)
    expected = F.softplus(-outcome.prediction).mean()
    torch.testing.assert_close(loss(outcome), expected)
    terms = Discrimination(model=model, discriminator=judge, form="cross_entropy")(batch, query)
    torch.testing.assert_close(terms["fake"], F.softplus(outcome.prediction).mean())
    torch.testing.assert_close(terms["real"], F.softplus(-batch.images[:, 2]).mean())


def test_a_discriminator_of_each_modality_sees_the_sources_too():
    design = PatchGAN(dimensions=2, modalities=2, width=4, layers=1, beside="canvas")
    judge = PerModalityDiscriminator(names=("T1w", "T2w"), of=design)
    query = Query(torch.tensor([[0], [1]]), torch.tensor([[1], [0]]))
    batch = batch_of((16, 16))
    batch = type(batch)(batch.images[:, :2], batch.available[:, :2], batch.dataset, batch.spacing)
    scores = judged(judge, torch.rand(2, 1, 16, 16), torch.ones(2, 1, dtype=torch.bool), batch, query)
    assert scores.shape[:2] == (2, 1)
    assert torch.isfinite(scores).all()
