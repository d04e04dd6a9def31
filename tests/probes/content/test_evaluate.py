"""The whole measurement of content, on a cohort that is made here."""

import pandas as pd
import pytest
import torch
import yaml
from learned_runs import cut_off, noisy, record_of, write_learned_run
from test_cli import call
from toys import write_cohort

from anysyn import build
from anysyn.probes.ask import probe
from anysyn.probes.content.alpha_beta import COHORT
from anysyn.probes.content.features import encode_tiles
from anysyn.probes.content.likeness import LEFT_ON, VALUES, compare_tiles
from anysyn.reporting import report
from anysyn.synthesis.loaded_run import load_run
from anysyn.training.run_folder.checkpoints import write_tensors
from anysyn.types import Features

NAMES = ("T1w", "T2w", "FLAIR")


def write_arithmetic_run(folder, cohort, learns=("contrastive",)):
    """Write a run whose contrast is taken off and put on, of weights that no training has seen."""
    run = write_learned_run(folder, cohort, clip=False, learns=learns)
    tree = yaml.safe_load(run.recipe.read_text())
    tree["parts"]["synthesizer"]["conditioners"] = [
        {"name": "alpha_beta", "at": ["encoder/out", "decoder/in"], "reads": {"name": "modality"}}
    ]
    run.recipe.write_text(yaml.safe_dump(tree, sort_keys=False))
    weights = noisy(build.parts(build.load(run.recipe)).state_dict(), "synthesizer.conditioners", seed=5)
    for stage in ("contrastive", "alignment", "synthesis"):
        write_tensors(run.stage_weights(stage), weights)
    write_tensors(run.weights, weights)
    return run


@pytest.fixture
def cohort(tmp_path):
    return write_cohort(tmp_path / "cohort", shape=(16, 18, 8))


@pytest.fixture
def run(tmp_path, cohort):
    return load_run(write_arithmetic_run(tmp_path / "run", cohort).path, accelerator="cpu")


def test_everything_is_written_and_right(run):
    result = probe("content", run, batch=3, tiles=4)
    folder = run.folder.path / "evaluation" / "content"
    files = ["contrasts.csv", "manifest.json", "pairs.csv", "record.json", "summary.csv", "summary.md", "tiles.csv"]
    assert sorted(path.name for path in folder.iterdir()) == files
    given = {"view": run.view, "modalities": NAMES, "hardware": run.hardware, "size": 8, "most": 4}
    first, second = (encode_tiles(run.model, run.prepare(subject), **given) for subject in run.subjects()[0])
    rows = pd.DataFrame(compare_tiles(second, first, NAMES, "contrastive"))
    tiles = pd.read_csv(folder / "tiles.csv")
    assert list(dict.fromkeys(tiles["encoder"])) == ["random", "contrastive", "contrastive" + LEFT_ON]
    whose = tiles["encoder"].isin(["contrastive", "contrastive" + LEFT_ON]) & (tiles["subject"] == "sub-03")
    pd.testing.assert_frame_equal(tiles.loc[whose, list(VALUES)].reset_index(drop=True), rows[list(VALUES)], rtol=1e-3)
    assert tiles.loc[tiles["subject"] == "sub-02", "correlation_other_subject"].isna().all(), "nobody came before"
    assert len(tiles) == 3 * 2 * 4 * 6
    contrasts = pd.read_csv(folder / "contrasts.csv")
    assert set(contrasts["of"]) == {COHORT}
    assert len(contrasts) == 4 * 3
    assert contrasts.groupby("modality")["alpha_1"].nunique().max() == 1, "it is conditioned on the modality alone"
    assert record_of(folder)["explained variance"]["alpha"][2] == pytest.approx(1)
    assert result.tables["summary"]["encoder"][0] == "random"
    assert any(line.startswith("contrastive, contrast left on") for line in result.lines())


def test_comparison_runs_need_no_arithmetic(run, cohort, tmp_path):
    other = write_learned_run(tmp_path / "label", cohort, clip=False)
    means = probe("content", run, compare=[f"label={other.path}"], tiles=2).tables["summary"]
    assert list(dict.fromkeys(means["encoder"])) == ["random", "label", "contrastive", "contrastive" + LEFT_ON]
    alone = probe("content", load_run(other.path, accelerator="cpu"), tiles=2)
    own, columns = alone.tables["summary"], ["same", "other_slice", "other_subject"]
    pd.testing.assert_frame_equal(
        means.loc[means["encoder"] == "label", columns].reset_index(drop=True),
        own.loc[own["encoder"] == "contrastive", columns].reset_index(drop=True),
    )
    assert alone.tables["contrasts"].empty
    assert not any("alpha" in note for note in alone.notes)


def test_alpha_and_beta_that_are_the_same_for_all_are_not_shown(tmp_path, cohort):
    run = write_arithmetic_run(tmp_path / "run", cohort)
    weights = build.parts(build.load(run.recipe)).state_dict()  # as they begin
    for path in (run.weights, *(run.stage_weights(stage) for stage in ("contrastive", "alignment", "synthesis"))):
        write_tensors(path, weights)
    tables = probe("content", load_run(run.path, accelerator="cpu"), tiles=2).tables
    assert tables["contrasts"].empty
    assert list(dict.fromkeys(tables["summary"]["encoder"])) == ["random"]


def test_a_damaged_subject_costs_itself_alone(run, cohort):
    whole = probe("content", run, split="all", tiles=2).tables["tiles"].set_index("subject")
    cut_off(cohort / "sub-02" / "T1w.nii.gz")
    result = probe("content", run, split="all", tiles=2, overwrite=True)
    assert [failure.key for failure in result.failures] == ["sub-02"]
    tiles = result.tables["tiles"].set_index("subject")
    pd.testing.assert_frame_equal(tiles.loc[["sub-00", "sub-01"]], whole.loc[["sub-00", "sub-01"]])
    last = tiles.loc["sub-03", "correlation_other_subject"]
    assert last.notna().any(), "it is compared with sub-01"
    assert not last.equals(whole.loc["sub-03", "correlation_other_subject"])


def test_two_processes_find_the_same_then_the_report(run, tmp_path):
    path = run.folder.path
    one, two = (
        probe("content", path, split="all", tiles=2, out=tmp_path / str(n), jobs=n, accelerator="cpu") for n in (1, 2)
    )
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, two.tables[name], rtol=1e-4, atol=1e-5)
    assert 'id="content"' in report(path).read_text(encoding="utf-8")


def test_content_that_is_free_of_contrast_is_found_so(run, monkeypatch):
    """An encoder that returns one map whatever it is shown agrees with itself everywhere."""

    def encode(self, batch, query):
        deep = self.encoder(batch.images, query.sources).deep
        same = torch.rand(1, *deep.shape[1:], generator=torch.Generator().manual_seed(0))
        return Features((), same.expand_as(deep))

    monkeypatch.setattr(type(run.model), "encode", encode)
    table = probe("content", run, tiles=3).tables["summary"].set_index(["encoder", "measure"])
    for label in ("random", "contrastive"):
        for measure in ("correlation", "concordance"):
            assert table.loc[(label, measure), "same"] == pytest.approx(1, abs=1e-6)
            assert table.loc[(label, measure), "other_subject"] > 0.99  # rims differ, since foregrounds do
    assert table.loc[("contrastive" + LEFT_ON, "concordance"), "same"] < 0.9


def test_as_a_user_types_it(run, cohort, tmp_path):
    other = write_learned_run(tmp_path / "classification", cohort, clip=False, learns=("synthesis",))
    result = call("probe", "content", run.folder.path, "--compare", other.path, "--tiles", 2)
    assert result.exit_code == 0, result.output
    assert any(line.startswith("classification") and "concordance" in line for line in result.stdout.splitlines())
