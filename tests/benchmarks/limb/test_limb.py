"""The limb table: recipes that see the same images, and the picture of their examples."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import anysyn
from anysyn import build
from anysyn.evaluation.examples import Example, write_example

FOLDER = Path(__file__).parents[3] / "benchmarks" / "limb"
RECIPES = sorted(FOLDER.glob("*.yaml"))


@pytest.fixture
def script(monkeypatch):
    """Return a function that imports one of the scripts."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def found(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        return __import__(name)

    return found


@pytest.fixture
def picture(script):
    return script("picture")


def example(path, *sources, target="CT", subject="sub-1", model=0.5):
    cut = tuple(np.full((4, 6), value, dtype=np.float16) for value in (0, 0, 1))
    truth = tuple(np.linspace(0, 1, 24, dtype=np.float16).reshape(4, 6) for _ in range(3))
    made = tuple(np.full((4, 6), model, dtype=np.float16) for _ in range(3))
    about = {"subject": subject, "dataset": "", "target": target, "spacing": (1.0, 1.0, 3.0)}
    images = {"sources": dict.fromkeys(sources, cut), "truth": truth, "mask": tuple(np.ones_like(one) for one in truth)}
    write_example(path, Example(**about, **images, predictions={"model": made}, values={"model": {"psnr": 1.0}}))
    return path


def test_all_models_see_the_same_images():
    seen = [build.load(str(path), lay_out=False) for path in RECIPES]
    assert len(seen) >= 3
    assert {tuple(one.modalities) for one in seen} == {("T1w", "CT", "FDG-PET")}
    scaling = [next(step for step in one.data.prepare if step["name"] == "rescale") for one in seen]
    assert all(one.get("upper", 99.5) == 99.5 for one in scaling)
    windows = {tuple(map(tuple, (one["windows"]["CT"], one["windows"]["FDG-PET"]))) for one in scaling}
    assert windows == {((-200, 300, 0.75), (0, 5, 0.25))}


def test_every_model_in_its_place_between_the_sources_and_the_truth(picture, tmp_path):
    one = example(tmp_path / "one.npz", "CT", target="FDG-PET", model=0.25)
    both = example(tmp_path / "both.npz", "T1w", "CT", target="FDG-PET", model=0.75)
    panels = picture.row(f"A={one},B={both}")
    assert [title for title, _ in panels] == ["CT", "T1w", "[SYNTHETIC] A (CT)", "[SYNTHETIC] B", "real FDG-PET"]
    darker, brighter, truth = (pixels.mean() for _, pixels in panels[2:])
    assert darker < truth < brighter


def test_rows_of_different_lengths_are_one_small_picture(picture, tmp_path):
    one, both = example(tmp_path / "one.npz", "T1w"), example(tmp_path / "both.npz", "T1w", "FDG-PET")
    words = [str(tmp_path / "out.png"), f"A={one}", f"A={both},B={both}"]
    answer = CliRunner().invoke(picture.app, words)
    assert answer.exit_code == 0, answer.output
    assert Image.open(tmp_path / "out.png").width == pytest.approx(1.7 * 5 * 110, abs=1)


@pytest.mark.parametrize(("subject", "word"), [("sub-2", "A={0},B={1}"), ("sub-1", "A={0},{1}")])
def test_what_is_no_case_is_one_line(picture, tmp_path, subject, word):
    first, other = example(tmp_path / "a.npz", "T1w"), example(tmp_path / "b.npz", "T1w", subject=subject)
    answer = CliRunner().invoke(picture.app, [str(tmp_path / "out.png"), word.format(first, other)])
    assert answer.exit_code == 1
    assert len(answer.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out.png").exists()


def test_people_of_the_validation_are_measured_as_an_evaluation_measures_them(script, tiny, tmp_path):
    found = list(script("choose").cases_of(tiny / "run", "T1w:T2w"))
    anysyn.evaluate(tiny / "run", split="validation", pairs="T1w:T2w", out=tmp_path / "out", accelerator="cpu")
    cases = pd.read_csv(tmp_path / "out" / "cases.csv").query("method == 'model'")
    assert [one.subject for one in found] == list(cases["subject"])
    np.testing.assert_allclose([[one.psnr, one.ssim] for one in found], cases[["psnr", "ssim"]], rtol=1e-5)


def test_a_line_for_each_run_with_the_mean_of_its_pairs_last(script):
    choose = script("choose")
    cases = [choose.Case("a", pair, "sub-1", psnr, 0.5) for pair, psnr in (("T1w:CT", 20.0), ("CT:T1w", 10.0))]
    lines = choose.table([*cases, *(one._replace(run="b", ssim=0.7) for one in cases)])
    assert lines[0] == "| run | T1w:CT | CT:T1w | all |"
    assert lines[2] == "| a | 20.00 / 0.500 | 10.00 / 0.500 | 15.00 / 0.500 |"
    assert lines[3] == "| b | 20.00 / 0.700 | 10.00 / 0.700 | 15.00 / 0.700 |"
