import pytest
import torch

from anysyn.losses import L1, MSE, SSIM
from anysyn.types import Features, Outcome

LOSSES = [L1(), MSE(), SSIM()]


def outcome(prediction, truth, mask):
    return Outcome(None, None, prediction, truth, mask, Features((), prediction))


@pytest.mark.parametrize(("loss", "power"), [(L1(), 1), (MSE(), 2)])
@pytest.mark.parametrize("shape", [(5, 4), (3, 4, 2)])
def test_losses_agree_with_a_loop_over_what_exists(loss, power, shape):
    prediction, truth = torch.rand(3, 2, *shape), torch.rand(3, 2, *shape)
    mask = torch.tensor([[True, False], [False, False], [True, True]])
    errors = [
        (prediction[b, k] - truth[b, k]).abs().pow(power).mean() for b in range(3) for k in range(2) if mask[b, k]
    ]
    torch.testing.assert_close(loss(outcome(prediction, truth, mask)), torch.stack(errors).mean())


@pytest.mark.parametrize("loss", LOSSES)
def test_a_marker_where_truth_is_absent_is_never_read(loss):
    prediction = torch.rand(2, 2, 12, 12, requires_grad=True)
    truth, mask = torch.rand(2, 2, 12, 12), torch.tensor([[True, False], [True, True]])
    truth[0, 1] = float("nan")
    value = loss(outcome(prediction, truth, mask))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(prediction.grad).all()
    assert not prediction.grad[0, 1].any()


@pytest.mark.parametrize("loss", LOSSES)
def test_nothing_known_is_zero_with_a_zero_gradient(loss):
    prediction = torch.rand(1, 1, 12, 12, requires_grad=True)
    value = loss(outcome(prediction, torch.rand(1, 1, 12, 12), torch.tensor([[False]])))
    value.backward()
    assert value.item() == 0
    assert not prediction.grad.any()
