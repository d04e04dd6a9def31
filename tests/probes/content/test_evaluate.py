"""The whole measurement of content, on a cohort that is made here."""

import pandas as pd
import pytest
import torch
import yaml
from learned_runs import cut_off, noisy, record_of, write_learned_run
from toys import write_cohort

from anysyn import build
from anysyn.data.records import Subject
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.content.alpha_beta import COHORT
from anysyn.probes.content.evaluate import Latest, evaluate_content
from anysyn.probes.content.features import maps_of
from anysyn.probes.content.likeness import LEFT_ON, VALUES, tile_rows
from anysyn.synthesis.loaded_run import load_run
from anysyn.training.checkpoints import write_tensors
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
    result = evaluate_content(run, batch=3, tiles=4)
    folder = run.folder.path / "evaluation" / "content"
    files = ["contrasts.csv", "pairs.csv", "record.json", "summary.csv", "tiles.csv"]
    assert sorted(path.name for path in folder.iterdir()) == files
    given = {"view": run.view, "modalities": NAMES, "fabric": run.fabric, "size": 8, "most": 4}
    first, second = (maps_of(run.model, run.prepare(subject), **given) for subject in run.subjects()[0])
    rows = pd.DataFrame(tile_rows(second, first, NAMES, "contrastive"))
    found = pd.read_csv(folder / "tiles.csv")
    assert list(dict.fromkeys(found["encoder"])) == ["random", "contrastive", "contrastive" + LEFT_ON]
    whose = found["encoder"].isin(["contrastive", "contrastive" + LEFT_ON]) & (found["subject"] == "sub-03")
    pd.testing.assert_frame_equal(found.loc[whose, list(VALUES)].reset_index(drop=True), rows[list(VALUES)], rtol=1e-3)
    assert found.loc[found["subject"] == "sub-02", "correlation_other_subject"].isna().all(), "nobody came before"
    assert len(found) == 3 * 2 * 4 * 6
    contrasts = pd.read_csv(folder / "contrasts.csv")
    assert set(contrasts["of"]) == {COHORT}
    assert len(contrasts) == 4 * 3
    assert contrasts.groupby("modality")["alpha_1"].nunique().max() == 1, "it is told the modality alone"
    assert record_of(folder)["explained variance"]["alpha"][2] == pytest.approx(1)
    assert record_of(folder)["notes"] == list(result.notes)
    assert record_of(folder)["summary"][0]["encoder"] == "random"
    assert any(line.startswith("contrastive, contrast left on") for line in result.lines())


def test_other_runs_stand_beside_and_need_no_arithmetic(run, cohort, tmp_path):
    other = write_learned_run(tmp_path / "label", cohort, clip=False)
    result = evaluate_content(run, encoders=[f"label={other.path}"], tiles=2)
    assert list(dict.fromkeys(result.summary["encoder"])) == ["random", "label", "contrastive", "contrastive" + LEFT_ON]
    alone = evaluate_content(load_run(other.path, accelerator="cpu"), tiles=2)
    columns = ["same", "other_slice", "other_subject"]
    pd.testing.assert_frame_equal(
        result.summary.loc[result.summary["encoder"] == "label", columns].reset_index(drop=True),
        alone.summary.loc[alone.summary["encoder"] == "contrastive", columns].reset_index(drop=True),
    )
    assert alone.contrasts.empty
    assert not any("alpha" in note for note in alone.notes)


def test_alpha_and_beta_that_are_the_same_for_all_are_not_shown(tmp_path, cohort):
    run = write_arithmetic_run(tmp_path / "run", cohort)
    weights = build.parts(build.load(run.recipe)).state_dict()  # as they begin
    for path in (run.weights, *(run.stage_weights(stage) for stage in ("contrastive", "alignment", "synthesis"))):
        write_tensors(path, weights)
    result = evaluate_content(load_run(run.path, accelerator="cpu"), tiles=2)
    assert result.contrasts.empty
    assert list(dict.fromkeys(result.summary["encoder"])) == ["random"]


def test_a_damaged_subject_costs_itself_alone_and_findings_are_kept(run, cohort):
    cut_off(cohort / "sub-02" / "T1w.nii.gz")
    result = evaluate_content(run, tiles=2)
    assert [failure.key for failure in result.failures] == ["sub-02"]
    assert set(result.tiles["subject"]) == {"sub-03"}
    with pytest.raises(EvaluationError, match="holds findings"):
        evaluate_content(run, tiles=2)
    cut_off(cohort / "sub-03" / "T2w.nii.gz")
    with pytest.raises(EvaluationError, match="no slice in split 'test'"):
        evaluate_content(run, overwrite=True)


def test_sessions_of_one_person_are_no_other_people():
    def session(key, person=""):
        return Subject(key, "", {}, {}, {}, person=person)

    latest = Latest()
    assert latest.beside(session("a")) == {}
    for key, person in (("a", ""), ("b_1", "b"), ("b_2", "b")):
        latest.add(session(key, person), {"encoder": [key]})
    assert latest.beside(session("b_3", "b")) == {"encoder": ["a"]}
    assert latest.beside(session("c")) == {"encoder": ["b_2"]}


def test_content_that_is_free_of_contrast_is_found_so(run, monkeypatch):
    """An encoder that returns one map whatever it is shown agrees with itself everywhere."""

    def encode(self, batch, query):
        deep = self.encoder(batch.images, query.sources).deep
        same = torch.rand(1, *deep.shape[1:], generator=torch.Generator().manual_seed(0))
        return Features((), same.expand_as(deep))

    monkeypatch.setattr(type(run.model), "encode", encode)
    table = evaluate_content(run, tiles=3).summary.set_index(["encoder", "measure"])
    for label in ("random", "contrastive"):
        for measure in ("correlation", "concordance"):
            assert table.loc[(label, measure), "same"] == pytest.approx(1, abs=1e-6)
            assert table.loc[(label, measure), "other_subject"] > 0.99  # rims differ, since foregrounds do
    assert table.loc[("contrastive" + LEFT_ON, "concordance"), "same"] < 0.9
