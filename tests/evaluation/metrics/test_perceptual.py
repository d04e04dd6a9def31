"""The metrics of torchmetrics, and what is said where it or its weights are lacking."""

import pytest
import torch

from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.metrics import perceptual
from anysyn.evaluation.metrics.metrics import Comparison, metric
from anysyn.evaluation.metrics.protocol import Protocol


def comparison(shape, level):
    truth = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    axes = tuple(range(len(shape)))
    return Comparison(prediction=truth + level * noise, truth=truth, mask=None, data_range=1.0, axes=axes)


def test_ms_ssim_falls_with_noise_and_is_one_of_an_image_with_itself():
    pytest.importorskip("torchmetrics")
    values = [float(metric("ms_ssim").value(comparison((176, 176), level))) for level in (0.0, 0.1, 0.3)]
    assert values[0] == pytest.approx(1)
    assert values[0] > values[1] > values[2]


def test_lpips_takes_every_axial_slice(monkeypatch):
    class Distance(torch.nn.Module):
        def forward(self, first, second):
            assert first.shape[1] == 3
            assert 0 <= float(first.min()) <= float(first.max()) <= 1
            return (first - second).abs().mean()

    monkeypatch.setattr(perceptual, "_perceptual", Distance)
    shown = comparison((8, 9, 20), 0.1)
    wanted = (shown.prediction.clamp(0, 1) - shown.truth).abs().mean()
    assert float(metric("lpips").value(shown)) == pytest.approx(float(wanted), abs=1e-6)


def test_weights_that_are_not_there_are_named_and_never_fetched(tmp_path, monkeypatch):
    pytest.importorskip("torchmetrics")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    how = Protocol(name="seen", metrics=("psnr", "lpips"))
    with pytest.raises(
        EvaluationError, match=r"'lpips' needs the weights of AlexNet, .*alexnet-.*not there; where there"
    ):
        how.check()
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "alexnet-owt-7be5be79.pth").write_bytes(b"half")
    with pytest.raises(EvaluationError, match="is damaged or another file"):
        how.check()


def test_the_extra_is_named_where_it_is_not_installed(monkeypatch):
    monkeypatch.setattr(perceptual, "find_spec", lambda name: None)
    with pytest.raises(EvaluationError, match=r"'ms_ssim' needs torchmetrics; .*anysyn\[metrics\]"):
        Protocol(name="seen", metrics=("ms_ssim",)).check()
    Protocol(name="seen", metrics=("psnr",)).check()
