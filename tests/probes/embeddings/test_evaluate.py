"""The whole measurement of embeddings, on a cohort that is made here."""

import pandas as pd
import pytest
import torch
from learned_runs import cut_off, record_of, write_learned_run
from test_cli import call
from toys import write_cohort

from anysyn.errors import UserError
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.ask import probe
from anysyn.probes.embeddings.slices import embed_study
from anysyn.synthesis.loaded_run import load_run

NAMES = ("T1w", "T2w", "FLAIR")


@pytest.fixture
def run(tmp_path):
    cohort = write_cohort(tmp_path / "cohort", shape=(12, 14, 6))
    return load_run(write_learned_run(tmp_path / "run", cohort, clip=False).path, accelerator="cpu")


def test_everything_is_written_and_right(run):
    result = probe("embeddings", run, batch=3)
    folder = run.folder.path / "evaluation" / "embeddings"
    assert sorted(path.name for path in folder.iterdir()) == [
        "coordinates.csv",
        "cosines.csv",
        "manifest.json",
        "record.json",
        "summary.md",
    ]
    studies = [run.prepare(subject) for subject in run.subjects()[0]]
    vectors = [
        embed_study(run.model, study, view=run.view, modalities=NAMES, hardware=run.hardware, size=8)
        for study in studies
    ]
    assert len(studies) == 2
    cosines = pd.read_csv(folder / "cosines.csv").set_index(["encoder", "first", "second"])
    assert len(cosines) == 2 * 6
    same = torch.cat([v[:, 0] @ v[:, 1] if v.ndim == 2 else (v[:, 0] * v[:, 1]).sum(1) for v in vectors])
    across = torch.einsum("mc,nc->mn", vectors[0][:, 2], vectors[1][:, 2])
    found = cosines.loc[("contrastive", "T1w", "T2w")]
    assert found["same_slice"] == pytest.approx(same.mean().item(), abs=1e-5)
    assert cosines.loc[("contrastive", "FLAIR", "FLAIR"), "other_subject"] == pytest.approx(
        across.mean().item(), abs=1e-5
    )
    assert cosines.loc[("random", "T1w", "T2w"), "same_slice"] != found["same_slice"]
    slices = sum(len(v) for v in vectors)
    coordinates = pd.read_csv(folder / "coordinates.csv")
    assert coordinates.groupby("encoder").size().to_dict() == {"random": 3 * slices, "contrastive": 3 * slices}
    assert any("T1w ↔ T2w" in line for line in result.lines())
    assert record_of(folder)["notes"] == [f"Slices: {slices}; subjects: 2."]
    assert run.folder.read("evaluation.json")["results"] == str(folder.parent.resolve())


def test_another_cohort_goes_to_a_folder_of_its_own(run, tmp_path):
    other = write_cohort(tmp_path / "other", subjects=1, shape=(12, 14, 6))
    result = probe("embeddings", run, data=other, split="all", out=tmp_path / "out")
    assert result.folder == tmp_path / "out" / "embeddings"
    assert (record_of(result.folder)["data"], record_of(result.folder)["split"]) == (str(other), "all")
    assert result.tables["cosines"]["other_subject"].isna().all()
    assert not any("another subject" in line for line in result.lines())


def test_findings_are_not_overwritten_unless_asked(run):
    probe("embeddings", run)
    with pytest.raises(EvaluationError, match="holds findings; choose another --out or allow replacing"):
        probe("embeddings", run)
    probe("embeddings", run, overwrite=True)


def test_a_damaged_subject_costs_itself_alone(run, tmp_path):
    cut_off(tmp_path / "cohort" / "sub-02" / "T1w.nii.gz")
    result = probe("embeddings", run)
    assert [failure.key for failure in result.failures] == ["sub-02"]
    assert set(result.tables["coordinates"]["subject"]) == {"sub-03"}
    assert record_of(result.folder)["failures"][0]["subject"] == "sub-02"
    cut_off(tmp_path / "cohort" / "sub-03" / "T2w.nii.gz")
    with pytest.raises(
        EvaluationError, match=r"nothing in split 'test' of the data of the training was measured \(sub"
    ):
        probe("embeddings", run, out=tmp_path / "out")
    assert not (tmp_path / "out" / "embeddings" / "record.json").exists()


def test_a_missing_contrast_is_left_out(run, tmp_path):
    (tmp_path / "cohort" / "sub-02" / "FLAIR.nii.gz").unlink()
    points = probe("embeddings", run).tables["coordinates"]
    assert set(points.loc[points["subject"] == "sub-02", "modality"]) == {"T1w", "T2w"}


def test_an_unknown_split_is_one_line(run):
    with pytest.raises(UserError, match="no split 'tset'; did you mean 'test'"):
        probe("embeddings", run, split="tset")


def test_the_command_compares_the_encoder_of_another_run(run, tmp_path):
    other = write_learned_run(tmp_path / "other", tmp_path / "cohort", clip=False, learns=("synthesis",)).path
    result = call("probe", "embeddings", run.folder.path, "--compare", other, "--jobs", 2, "--accelerator", "cpu")
    assert result.exit_code == 0, result.output
    heading = next(line for line in result.stdout.splitlines() if line.startswith("with "))
    assert heading.split()[-3:] == ["random", "other", "contrastive"]
    alone = probe("embeddings", run, compare=[str(other)], out=tmp_path / "out").tables["cosines"]
    together = pd.read_csv(run.folder.path / "evaluation" / "embeddings" / "cosines.csv")
    pd.testing.assert_frame_equal(together, alone, rtol=1e-4)
