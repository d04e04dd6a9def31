"""The command that shows and clears prepared images."""

from typer.testing import CliRunner

import anysyn
from anysyn.cli import app


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_one_cache_serves_several_runs_and_is_cleared(tiny, tmp_path):
    cache, data = tmp_path / "cache", f"data.root={tiny / 'cohort'}"
    for name in ("first", "second"):
        words = ["train", tiny / "tiny.yaml", "--out", tmp_path / name, "--cache", cache, data, "stages.0.epochs=1"]
        assert call(*words, "--accelerator", "cpu").exit_code == 0
        assert not (tmp_path / name / "cache").exists()
        entries = len(list(cache.glob("*.safetensors")))
    assert entries == 3  # subjects of training and validation
    shown = call("cache", "--cache", cache)
    assert f"{cache}: {entries} prepared subjects, 0." in shown.output
    assert "deleted" in call("cache", "--cache", cache, "--clear").output
    assert not list(cache.glob("*.safetensors"))
    resumed = anysyn.resume(tmp_path / "first", cache=tmp_path / "other", accelerator="cpu")
    assert not resumed.failures
    assert len(list((tmp_path / "other").glob("*.safetensors"))) == entries


def test_the_cache_of_the_user_is_the_default(tmp_path):
    assert call("cache").output.endswith("MB\n")
