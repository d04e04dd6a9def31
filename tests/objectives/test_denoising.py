import pytest
import torch
from toys import batch_of, diffusion, query_of

from anysyn.objectives import Denoising
from anysyn.types import Features


@pytest.mark.parametrize("answers", ["noise", "image", "velocity"])
def test_a_network_that_finds_what_it_answers_has_no_error(answers, monkeypatch):
    model, batch, query = diffusion(answers=answers), batch_of((16, 24)), query_of((2, 3))
    truth = batch.images[:, 2:4] * 2 - 1

    def oracle(batch, query, noisy):
        level = model.scheduler.alphas_cumprod[query.time].reshape(-1, 1, 1, 1)
        image = truth[:, query.targets[0] - 2]
        noise = (noisy - level.sqrt() * image) / (1 - level).sqrt()
        velocity = level.sqrt() * noise - (1 - level).sqrt() * image
        return {"noise": noise, "image": image, "velocity": velocity}[answers], Features((), noisy)

    monkeypatch.setattr(model, "denoise", oracle)
    assert Denoising(model=model)(batch, query)["denoising"] < 1e-5


def test_targets_without_truth_do_not_count_and_are_never_read():
    model, batch, query = diffusion(), batch_of((16, 24)), query_of((2, 3))
    objective = Denoising(model=model).eval()
    batch.available[1, 3], batch.images[1, 3] = False, float("nan")
    value = objective(batch, query)["denoising"]
    value.backward()
    assert torch.isfinite(value)
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    batch.available[:, 2:] = False
    assert objective(batch, query)["denoising"] == 0


def test_scores_can_be_compared_in_validation_and_times_vary_in_training():
    model, batch, query = diffusion(), batch_of((16, 24)), query_of()
    objective = Denoising(model=model)
    scores = [objective.eval()(batch, query)["denoising"].item() for _ in range(2)]
    assert scores[0] == scores[1]
    torch.manual_seed(0)
    scores = [objective.train()(batch, query)["denoising"].item() for _ in range(2)]
    assert scores[0] != pytest.approx(scores[1], rel=1e-6)
