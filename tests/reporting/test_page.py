from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import yaml

from anysyn.evaluation.examples import Example, write_example
from anysyn.registry import UserError
from anysyn.reporting import report
from anysyn.reporting.figures import upright
from anysyn.training.folder import RunError

METHODS = ("model", "source copied", "intensity regression")
METRICS = ("psnr", "ssim")


class Reader(HTMLParser):
    """Collect the sources and links, the alternative texts and the words of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.alts, self.words, self.tags = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for key, value in attrs if key in {"src", "href"}]
        self.alts += [dict(attrs).get("alt") for _ in (0,) if tag == "img"]

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    recipe = {"name": "<script>alert(1)</script>", "modalities": ["T1w", "T2w"], "paper": None}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    (folder / "versions.json").write_text('{"torch": "2.15"}')
    rows = [
        {"stage": "synthesis", "epoch": e, "batch": 10, "term": "l1", "value": 1 / (e + 1), "speed": 50} for e in (0, 1)
    ]
    pd.DataFrame(rows).to_csv(folder / "log.csv", index=False)
    return folder


def add_results(folder):
    (folder / "examples").mkdir(parents=True)
    rng = np.random.default_rng(0)
    cases, table, margins = [], [], []
    for target in ("T2w", "T1w"):
        source = {"T2w": "T1w", "T1w": "T2w"}[target]
        for method in METHODS:
            values = {name: float(rng.uniform(1, 20)) for name in METRICS}
            about = {"subject": "sub-01", "dataset": "A", "method": method, "sources": source, "target": target}
            cases += [{**about, **values}, {**about, "subject": "sub-02", **values}]
            spread = {f"{name}_sd": 0.5 for name in METRICS}
            table.append({"pair": f"{source}:{target}", "method": method, "cases": 2, **values, **spread})
        margins += [{"pair": f"{source}:{target}", "baseline": m, "cases": 2, "psnr": 1.5} for m in METHODS[1:]]
    margins += [{"pair": "all pairs", "baseline": m, "cases": 4, "psnr": 1.5} for m in METHODS[1:]]
    for name, rows in (("cases", cases), ("table", table), ("margins", margins)):
        pd.DataFrame(rows).to_csv(folder / f"{name}.csv", index=False)
    failures = '["sub-09: T2w.nii.gz: is damaged <b>"]'
    protocol = '{"name": "anysyn", "metrics": ["psnr", "ssim"]}'
    notes = '["Protocol anysyn (abc): volumes."]'
    (folder / "protocol.json").write_text(
        f'{{"protocol": {protocol}, "notes": {notes}, "failures": {failures}, "split": "test", "data": null}}'
    )
    planes = tuple(rng.random(shape).astype(np.float16) for shape in ((6, 7), (5, 7), (5, 6)))
    example = Example(
        subject="sub-01",
        dataset="A",
        target="T2w",
        spacing=(1.0, 1.0, 3.0),
        sources={"T1w": planes},
        truth=planes,
        mask=planes,
        predictions=dict.fromkeys(METHODS, planes),
        values={m: {"psnr": 20.0} for m in METHODS},
    )
    write_example(folder / "examples" / "one.npz", example)


def test_the_page_needs_nothing_else_and_warns(run):
    add_results(run / "evaluation")
    page = Reader(report(run).read_text())
    assert page.links
    assert all(link.startswith("data:") for link in page.links)
    text = " ".join(page.words)
    assert "Not for clinical use" in text
    assert "T1w → T2w" in text
    assert "T2w → T1w" in text
    assert "Protocol anysyn (abc)" in text
    assert all(page.alts)


def test_what_a_recipe_says_is_never_run(run):
    add_results(run / "evaluation")
    page = Reader(report(run).read_text())
    assert "script" not in page.tags
    assert any("<script>" in words for words in page.words)
    assert any("is damaged <b>" in words for words in page.words)


def test_a_run_that_was_not_evaluated_says_how(run):
    assert "anysyn evaluate" in report(run).read_text()


def test_a_run_without_a_log_says_so(run):
    (run / "log.csv").unlink()
    assert "No training log" in report(run).read_text()


def test_results_can_lie_elsewhere(run, tmp_path):
    add_results(tmp_path / "results")
    assert "T1w → T2w" in report(run, results=tmp_path / "results").read_text()
    with pytest.raises(UserError, match="no folder of results"):
        report(run, results=tmp_path)


def test_the_run_s_own_page_is_made_anew_and_others_only_if_asked(run, tmp_path):
    assert report(run) == report(run) == run / "report.html"
    elsewhere = tmp_path / "page.html"
    report(run, out=elsewhere)
    with pytest.raises(UserError, match="--overwrite"):
        report(run, out=elsewhere)
    report(run, out=elsewhere, overwrite=True)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(RunError, match="not a run folder"):
        report(tmp_path)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_planes_stand_upright_with_the_right_on_the_left(axis):
    x, y, z = np.meshgrid(np.arange(3), np.arange(4), np.arange(5), indexing="ij")
    across, up = {0: (y, z), 1: (x, z), 2: (x, y)}[axis]
    turned = [upright(np.take(image, 0, axis), axis) for image in (across, up)]
    assert (np.diff(turned[1], axis=0) < 0).all()  # up is up
    assert (np.diff(turned[0], axis=1) > 0).all() if axis == 0 else (np.diff(turned[0], axis=1) < 0).all()
