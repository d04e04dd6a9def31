"""The benchmark of the loss `ssim` compares the same loss in two forms."""

import pytest
import speed
import torch
from side_by_side import ssim
from typer.testing import CliRunner


@pytest.mark.parametrize("shape", [(20, 24), (12, 14, 16)])
def test_both_forms_and_their_gradients_are_the_same(shape):
    truth = torch.rand(3, *shape)
    prediction = 0.6 * truth + 0.3 * torch.rand(3, *shape)
    theirs, ours = (ssim.cost_of(form, prediction, truth, 1) for form in (ssim.monai, ssim.ours))
    assert ours.loss == pytest.approx(theirs.loss, abs=1e-5)
    torch.testing.assert_close(ours.gradient, theirs.gradient, atol=1e-6, rtol=1e-3)
    assert theirs.gradient.abs().max() > 1e-5


def test_a_row_says_the_ratio():
    theirs, ours = (ssim.Cost(0.5, torch.ones(2), seconds) for seconds in (0.1, 0.02))
    assert "100.0 CPU ms, ours    20.0 (5.0 times less)" in ssim.row((12, 40, 48), theirs, ours)


def test_the_command_is_there():
    shown = CliRunner().invoke(speed.app, ["ssim", "--help"])
    assert shown.exit_code == 0
    assert "--repeats" in shown.output
