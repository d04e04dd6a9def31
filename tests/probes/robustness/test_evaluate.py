"""Robustness of networks whose answers are known: they copy."""

from dataclasses import replace

import pandas as pd
import pytest
from copying import Copy
from toys import TINY, write_cohort

import anysyn
from anysyn.evaluation.degradation.corruptions import SEVERITIES
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.evaluate import evaluate
from anysyn.probes.ask import probe
from anysyn.probes.robustness.means import CLEAN, means_grid
from anysyn.registry import names
from anysyn.reporting import report

ASKED = ["gaussian=0.05", "gaussian=0.2", "downsampling=2"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("robustness")
    write_cohort(folder / "cohort")
    (folder / "tiny.yaml").write_text(TINY)
    data = [f"data.root={folder / 'cohort'}", "stages.0.epochs=1"]
    anysyn.train(folder / "tiny.yaml", out=folder / "run", overrides=data, accelerator="cpu")
    return replace(anysyn.load_run(folder / "run", accelerator="cpu"), model=Copy())


@pytest.fixture(scope="module")
def result(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return probe("robustness", run, corruption=ASKED, compare=[f"network={run.folder.path}"], pairs="T1w:T2w", out=out)


def test_each_corruption_is_an_evaluation_of_its_own(run, result, tmp_path):
    assert not result.failures
    assert list(dict.fromkeys(result.tables["summary"]["method"])) == ["model", "network"]
    for text in (None, *ASKED):
        alone = evaluate(run, pairs="T1w:T2w", corruption=text, out=tmp_path / str(text))
        name, _, level = (text or CLEAN).partition("=")
        own = result.tables["cases"].query(
            "method == 'model' and corruption == @name and level == @levels",
            local_dict={"name": name, "levels": float(level or 0)},
        )
        wanted = alone.cases[alone.cases["method"] == "model"]
        assert own["psnr"].tolist() == pytest.approx(wanted["psnr"].tolist())
        if text:
            assert own["input_psnr"].tolist() == pytest.approx(alone.inputs["input_psnr"].tolist())


def test_more_noise_leaves_less(result):
    means = result.tables["summary"][result.tables["summary"]["method"] == "model"].set_index(["corruption", "level"])
    assert means.loc[("gaussian", 0.05), "input_psnr"] > means.loc[("gaussian", 0.2), "input_psnr"] + 10
    assert means["psnr"].nunique() == len(means)
    assert result.tables["summary"].loc[result.tables["summary"]["corruption"] == CLEAN, "input_psnr"].isna().all()


def test_it_is_written_and_said(result):
    assert {path.name for path in result.folder.iterdir()} >= {"cases.csv", "summary.csv", "record.json"}
    grid = means_grid(result.tables["summary"])
    assert [row[0] for row in grid.cells[:2]] == ["none", "gaussian=0.05"]
    assert all(len(row) == len(grid.headings) for row in grid.cells)
    assert any("gaussian=0.2" in line for line in result.lines())
    assert "protocol" in result.notes[0].lower()


def test_by_default_every_corruption_is_tried_at_every_severity(run, tmp_path):
    means = probe("robustness", run, pairs="T1w:T2w", out=tmp_path).tables["summary"]
    assert len(means) == 1 + len(SEVERITIES) * len(names("corruption"))


def test_what_cannot_be_asked(run, result):
    with pytest.raises(EvaluationError, match="no corruption named"):
        probe("robustness", run, corruption=["fog=1"])
    with pytest.raises(EvaluationError, match="given twice"):
        probe("robustness", run, corruption=["gaussian=0.1", "gaussian=0.10"])
    with pytest.raises(EvaluationError, match="write it as RUN or LABEL=RUN"):
        probe("robustness", run, compare=[f"={run.folder.path}"])
    with pytest.raises(EvaluationError, match="two methods are called 'model'"):
        probe("robustness", run, corruption=ASKED, compare=[f"model={run.folder.path}"])


def test_two_processes_find_the_same(run, tmp_path):
    path = run.folder.path  # the copying network lives in this process alone
    options = {"corruption": ASKED[:1], "pairs": "T1w:T2w", "accelerator": "cpu"}
    one, two = (probe("robustness", path, out=tmp_path / str(n), jobs=n, **options) for n in (1, 2))
    pd.testing.assert_frame_equal(one.tables["cases"], two.tables["cases"], rtol=1e-5)


def test_the_report_draws_the_curves(run, result):
    evaluate(run, pairs="T1w:T2w", out=result.folder.parent)  # its tables stand beside
    page = report(run.folder.path, results=result.folder.parent).read_text(encoding="utf-8")
    section = page.split('id="robustness"')[1].split("</section>")[0]
    assert section.count("<figure>") == 2
    assert "gaussian=0.2" in section
    assert "the worst of each: gaussian model" in section
    table = pd.read_csv(result.folder / "summary.csv")
    assert f"{table['psnr'].iloc[0]:.3f}" in section
